"""What the wheel has: the packages, and in ``osediff/shipped`` the models and registries of the repository."""

from setuptools import find_namespace_packages, setup

SHIPPED = {
    "osediff.shipped.checkpoints.demo": ("checkpoints/demo", ["*.safetensors", "*.json", "README.md"]),
    "osediff.shipped.backbones.demo": ("backbones/demo", ["*/*.safetensors", "*/*.json", "README.md"]),
    "osediff.shipped.config": ("config", ["*.yaml", "weights/*.csv"]),
}

setup(
    packages=[*find_namespace_packages(include=["osediff*", "benchmark*", "baselines*"]), *SHIPPED],
    package_dir={package: folder for package, (folder, _) in SHIPPED.items()},
    package_data={"": ["*.yaml", "*.csv"]} | {package: files for package, (_, files) in SHIPPED.items()},
)
