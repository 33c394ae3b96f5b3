"""The kernels, a file each. Three shapes to start a new one from: `gelu` goes element by element,
`cross_entropy` row by row and keeps a small residual for its derivative, `adamw` writes into its inputs.
"""
