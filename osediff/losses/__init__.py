"""The losses of a training: Eqs. 5 to 10 of the paper, and the GAN loss of its Table 3."""
