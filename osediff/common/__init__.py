"""What the method, the baselines and the benchmark share. Light: nothing heavy is imported here."""
