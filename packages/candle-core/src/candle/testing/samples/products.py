"""Samples of the products."""

from candle.testing.samples import complexes, floats, rough, sample, transposed, whole

for _left, _right in (
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
):
    sample("matmul", floats(*_left), floats(*_right, low=-1, high=3))
sample("matmul", floats(2, 1, 2, 3), floats(2, 3, 2))
sample("matmul", floats(2, 2, 3), floats(3))
sample("matmul", floats(3), floats(2, 3, 2))
sample("matmul", transposed(3, 2), transposed(2, 4))
sample("matmul", complexes(2, 3), complexes(3, 2))
rough("matmul", whole(2, 3), whole(3, 2))
sample("euclidean_distances", floats(3, 2), floats(4, 2, low=-4, high=-3))
sample("euclidean_distances", floats(2, 1, 3, 2), floats(2, 4, 2, low=-4, high=-3))
