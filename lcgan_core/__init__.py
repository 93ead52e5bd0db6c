"""LcGAN (Karki, Cho, Ko; SPIE Medical Imaging 2020) as a reproducible paper: models, metrics, stages."""
