"""The only Python that the Snakefile imports: settings, paths, jobs. No torch."""
