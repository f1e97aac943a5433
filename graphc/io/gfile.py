"""``tf.io.gfile``: the functions of ``tf.gfile`` under TensorFlow 2's names."""

from graphc.gfile import (
    Copy as copy,
)
from graphc.gfile import (
    DeleteRecursively as rmtree,
)
from graphc.gfile import (
    Exists as exists,
)
from graphc.gfile import (
    GFile,
)
from graphc.gfile import (
    Glob as glob,
)
from graphc.gfile import (
    IsDirectory as isdir,
)
from graphc.gfile import (
    ListDirectory as listdir,
)
from graphc.gfile import (
    MakeDirs as makedirs,
)
from graphc.gfile import (
    MkDir as mkdir,
)
from graphc.gfile import (
    Remove as remove,
)
from graphc.gfile import (
    Rename as rename,
)
from graphc.gfile import (
    Stat as stat,
)
from graphc.gfile import (
    Walk as walk,
)

__all__ = [
    "GFile",
    "copy",
    "exists",
    "glob",
    "isdir",
    "listdir",
    "makedirs",
    "mkdir",
    "remove",
    "rename",
    "rmtree",
    "stat",
    "walk",
]
