"""Training of the demo's backbone, which is to the demo what SD 2.1-base is to the paper."""
