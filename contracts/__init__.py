"""What the method, the baselines and the benchmark agree on: images in folders, files written whole, errors in a line.

The three packages do not import each other; they share this one, because an image that one of them accepts and another
refuses, or an error that looks different in each, would be three contracts instead of one.
"""
