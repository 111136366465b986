"""RFSR Studio's training half: trains, measures and exports diffusion super-resolution models."""
