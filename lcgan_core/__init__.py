"""LcGAN (Karki, Cho, Ko; SPIE Medical Imaging 2020) as a paper that you run."""
