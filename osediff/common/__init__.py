"""Code that the method, the baselines and the benchmark share. Nothing heavy is imported here."""
