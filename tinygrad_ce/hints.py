"""What PyTorch's and JAX's names are called here: told by the error that meets them.

A hint is an expression that runs (t, u are tensors), with words behind a semicolon.
"""

import numpy as np

__all__ = ["KEYWORDS", "of_method", "of_name"]

KEYWORDS = {"dim": "axis", "dims": "axes", "keepdim": "keepdims"}  # PyTorch's -> NumPy's

_ONE_DEVICE = "t; arrays are in the memory that NumPy uses. t.astype(dtype) casts"

# t.NAME(...) of PyTorch -> what is written here.
_METHODS = {
    "add": "t + u",
    "bmm": "t @ u",
    "bool": "t.astype(bool)",
    "broadcast_to": "np.broadcast_to(t, shape)",
    "chunk": "np.array_split(t, n, axis)",
    "clamp": "np.clip(t, low, high)",
    "clone": "t.copy()",
    "contiguous": "t",
    "cpu": _ONE_DEVICE,
    "cuda": _ONE_DEVICE,
    "device": _ONE_DEVICE,
    "dim": "t.ndim",
    "div": "t / u",
    "double": "t.astype(np.float64)",
    "expand": "np.broadcast_to(t, shape)",
    "expand_as": "np.broadcast_to(t, u.shape)",
    "float": "t.astype(np.float32)",
    "gather": "np.take_along_axis(t, indices, axis)",
    "grad_fn": "t.primitive; tg.draw(t) shows the whole graph",
    "half": "t.astype(np.float16)",
    "int": "t.astype(np.int32)",
    "index_select": "np.take(t, indices, axis)",
    "is_leaf": "t.primitive is None",
    "long": "t.astype(np.int64)",
    "masked_fill": "np.where(mask, value, t)",
    "mm": "t @ u",
    "movedim": "np.moveaxis(t, source, destination)",
    "mul": "t * u",
    "mv": "t @ u",
    "narrow": "t[:, start : start + length]",
    "neg": "-t",
    "new_zeros": "np.zeros(shape, t.dtype)",
    "norm": "np.linalg.norm(t, axis=axis)",
    "numel": "t.size",
    "permute": "np.transpose(t, axes)",
    "pow": "t**p",
    "requires_grad_": "tg.tensor(values, requires_grad=True)",
    "rsqrt": "1 / np.sqrt(t)",
    "scatter_add": "tg.add_at(t, indices, values)",
    "sub": "t - u",
    "t": "t.T",
    "to": _ONE_DEVICE,
    "topk": "np.sort(t, axis)[..., -k:]",
    "type": "t.astype(dtype)",
    "unbind": "np.unstack(t, axis=axis)",
    "unsqueeze": "np.expand_dims(t, axis)",
    "view": "t.reshape(shape)",
    "view_as": "t.reshape(u.shape)",
    "zero_grad": "t.grad = None; an optimizer's zero_grad() does it for its parameters",
}
# tg.NAME of PyTorch, JAX or autograd -> what is written here.
_NAMES = {
    "Parameter": "tg.nn.Parameter(array)",
    "Variable": "tg.tensor(array, requires_grad=True)",
    "autograd": "tg.grad(f); tg.vjp, tg.jacobian, t.backward()",
    "cat": "np.concatenate(arrays, axis)",
    "elementwise_grad": "tg.grad(lambda x: np.sum(f(x)))",
    "enable_grad": "t; gradients are recorded but inside of tg.no_grad()",
    "from_numpy": "tg.tensor(array)",
    "functional": "tg; its own functions and NumPy's: tg.relu, tg.softmax, np.pad",
    "gradcheck": "tgt.gradcheck; import tinygrad_ce.testing as tgt",
    "jacfwd": "tg.jacobian(f)",
    "jacrev": "tg.jacobian(f)",
    "jit": "tg.compile(f)",
    "numpy": "np; NumPy itself takes tensors",
    "rand": "tg.default_generator().random(shape)",
    "randn": "tg.default_generator().normal(size=shape)",
    "sklearn": "tinygrad_ce.sklearn; import tinygrad_ce.sklearn",
    "set_grad_enabled": "tg.no_grad()",
    "stop_gradient": "tg.detach(t)",
    "testing": "tgt; import tinygrad_ce.testing as tgt",
    "vmap": "f; write it for arrays with one axis more: NumPy's functions broadcast",
}

_OWN = {
    *("digamma", "elu", "erf", "erfc", "erfinv", "gelu", "leaky_relu", "lgamma", "log_sigmoid"),
    *("log_softmax", "logit", "logsumexp", "relu", "sigmoid", "silu", "softmax", "softplus"),
}  # methods in PyTorch, functions of tinygrad_ce


def of_method(name: str) -> str:
    """What is to be said of t.name, which a tensor has not."""
    if name in _METHODS:
        return f"a tensor has no {name!r}: here it is {_METHODS[name]}"
    if name in _OWN:
        return f"a tensor has no {name!r}: here it is tg.{name}(t)"
    if not name.startswith("_") and callable(getattr(np, name, None)):
        return f"a tensor has no method {name!r}; NumPy's function does it: np.{name}(t)"
    if hasattr(np.ndarray, name):
        return (
            f"a tensor has no {name!r}, which reaches into an array's memory: t.numpy() is an "
            "array of the values, without gradient"
        )
    if name.endswith("_") and not name.startswith("_"):
        return f"a tensor has no {name!r}: a graph keeps its values. t = t + u makes a new tensor"
    return f"a tensor has no attribute {name!r}"


def of_name(name: str) -> object:
    """The `__getattr__` of modules: no value, but what is to be said of a name they have not."""
    text = f"tinygrad_ce has no {name!r}"
    hint = _NAMES.get(name, _METHODS.get(name))
    if hint is not None:
        text += f": here it is {hint}"
    elif not name.startswith("_") and callable(getattr(np, name, None)):
        text += f": NumPy's own name is the one to use, np.{name}"
    raise AttributeError(text)
