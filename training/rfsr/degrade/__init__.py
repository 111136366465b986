"""Real-ESRGAN's second-order degradation (Wang et al., arXiv 2107.10833), deterministic from one generator."""
