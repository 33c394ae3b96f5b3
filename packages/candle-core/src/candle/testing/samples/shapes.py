"""Samples of the ops that rearrange."""

from candle.testing.samples import ALL, complexes, floats, sample, transposed, whole

for _x in (floats(2, 3), transposed(3, 3), complexes(2, 3)):
    sample("reshape", _x, shape=(*_x.shape[::-1], 1))
    sample("permute", _x, dims=(1, 0))
    sample("flip", _x, dims=(0,))
    sample("flip", _x, dims=(0, 1))
    sample("slice", _x, key=(ALL, ("slice", 1, 3, None)))
    sample("tril", _x, diagonal=0)
    sample("triu", _x, diagonal=1)
    sample("cat", _x, _x[:, :1] * 2, dim=1)
    sample("stack", _x, _x * 2, dim=1)
sample("reshape", floats(), shape=(1, 1))
sample("reshape", floats(2, 0), shape=(0, 3))
sample("permute", floats(2, 3, 4), dims=(2, 0, 1))
sample("expand", floats(2, 1, 3), shape=(2, 2, 2, 3))
sample("expand", floats(), shape=(2, 3))
for _key in ((1,), (ALL, -1), (("slice", 0, 3, 2), None), (ALL, ALL, None, 0), (("slice", 2, 2, None),), (0, 1, 2)):
    sample("slice", floats(3, 2, 3), key=_key)
    sample(
        "slice_put",
        floats(3, 2, 3),
        floats(3, 2, 3)[tuple(slice(*k[1:]) if isinstance(k, tuple) else k for k in _key)] + 4,
        key=_key,
    )
sample("slice_put", floats(3, 2), floats(2, low=3, high=4), key=(("slice", 1, None, None),))
for _x in (floats(3, 4), transposed(3, 4)):
    sample("strided", _x, shape=(3,), start=(0, 1), steps=((1,), (1,)))
    sample("strided", _x, shape=(3, 2, 2), start=(0, 0), steps=((1, 0, 0), (0, 2, 1)))
    sample("strided_add", _x, floats(3, 2, 2), start=(0, 0), steps=((1, 0, 0), (0, 2, 1)))
    sample("strided_add", _x, floats(3, 3, 2), start=(0, 0), steps=((1, 0, 0), (0, 1, 1)))
sample("strided_add", floats(5), floats(2, 3), start=(1,), steps=((1, 1),))
sample("strided", floats(5), shape=(2, 3), start=(1,), steps=((1, 1),))
sample("strided", floats(5), shape=(0,), start=(0,), steps=((1,),))
sample("cat", floats(2, 3), whole(1, 3), dim=0)
sample("cat", floats(2, 0), floats(2, 3), dim=1)
sample("tril", floats(2, 3, 3), diagonal=-1)
sample("triu", floats(2, 3, 2), diagonal=0)
_whole = ("slice", None, None, None)
sample(
    "parts", floats(3, 4), keys=((_whole, ("slice", 0, 1, None)), (_whole, ("slice", 1, 4, None))), dim=1, stacked=False
)
sample("parts", transposed(3, 2), keys=((0,), (1,), (2,)), dim=0, stacked=True)
