"""``tf.io.gfile``: the functions of ``tf.gfile`` under TensorFlow 2's names."""

from graphc.frame.gfile import (
    Copy as copy,
)
from graphc.frame.gfile import (
    DeleteRecursively as rmtree,
)
from graphc.frame.gfile import (
    Exists as exists,
)
from graphc.frame.gfile import (
    GFile,
)
from graphc.frame.gfile import (
    Glob as glob,
)
from graphc.frame.gfile import (
    IsDirectory as isdir,
)
from graphc.frame.gfile import (
    ListDirectory as listdir,
)
from graphc.frame.gfile import (
    MakeDirs as makedirs,
)
from graphc.frame.gfile import (
    MkDir as mkdir,
)
from graphc.frame.gfile import (
    Remove as remove,
)
from graphc.frame.gfile import (
    Rename as rename,
)
from graphc.frame.gfile import (
    Stat as stat,
)
from graphc.frame.gfile import (
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
