"""Typed settings of the main configuration, and of those registries that only planning reads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchmark.complexity.specs import TimingChoice
from benchmark.figures.specs import Box
from benchmark.report.specs import ReportChoice
from benchmark.tables.specs import Preset
from osediff.common.artifacts.model import Artifact
from osediff.common.settings import Name, Positive, Seed, Settings, Text
from osediff.recipe import Compile, Compute, Precision, Quantization, Sizes

Count = Annotated[int, Field(ge=1)]
Steps = Annotated[int, Field(ge=0, le=10**6)]
# A name that stands in the path of a file: it must not leave its folder.
FileName = Annotated[str, Field(pattern=r"^[^/\\.][^/\\]*$")]


def _unlike(names: tuple[Any, ...], what: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{what}: {twice} stands twice")


class Restoration(Settings):
    """The options of ``python -m osediff.restore``, for all variants."""

    precision: Precision
    """Precision of the networks."""
    batch: Annotated[int, Field(ge=1, le=4096)]
    """Images of equal size that are restored together."""
    posterior: Literal["sample", "mode"]
    """The encoder's latent: a sample that is drawn with the seed, or the mode."""
    quantization: Quantization
    """To 8 bits: rounded once, or cut off twice as in the official code."""
    sizes: Sizes
    """Small images, and sides that are no multiple of 8: padded, or resized as in the official code."""
    compile: Compile
    """Whether the networks run through torch.compile, and how; cuda-graphs needs a GPU."""
    tile_vae: Annotated[int, Field(ge=0, le=4096)]
    """Side of the VAE's tiles in latent pixels; 0: no tiles."""
    tile_latent: Annotated[int, Field(ge=0, le=4096)]
    """Side of the UNet's tiles in latent pixels; 0: no tiles."""
    tile_overlap: Annotated[int, Field(ge=0, le=4096)]
    """Overlap of the UNet's tiles in latent pixels."""

    @model_validator(mode="after")
    def _check_tiles(self) -> Restoration:
        if 0 < self.tile_latent < 8:
            raise ValueError(f"tile_latent: {self.tile_latent} is too small for the UNet; take 8 or more, or 0")
        if 0 < self.tile_latent <= self.tile_overlap:
            raise ValueError(f"tile_overlap: {self.tile_overlap} must be smaller than tile_latent, {self.tile_latent}")
        return self


class BaselineSettings(Settings):
    """Settings that all baselines share."""

    sources: Text
    """Folder of the baselines' checkouts and weights."""
    accept_licenses: tuple[Text, ...]
    """Licenses without commercial use that the user accepts, by the ids in the descriptors."""
    time_limit: Positive
    """Seconds for loading a baseline, and for each image."""
    seed_mode: Literal["per_image", "official_stream"]
    """A seed for each image, or one seed for a whole folder."""
    weights: dict[str, Literal["official", "other", "random"]]
    """By baseline: ``other`` if its weights are not the published files, ``random`` if they are random."""
    python: dict[str, Text]
    """By baseline: interpreter of an environment that a person made, if conda is not used."""


class MainConfig(Settings):
    """The main configuration: config/config.yaml, with the files of --configfile and the values of --config over it."""

    preset: Preset
    """The preset to which runs/ and results/ belong."""
    recipe_base: Name
    """Base recipe of config/variants.yaml."""
    device: Literal["cpu", "cuda"]
    """The device on which networks run."""
    compute: Name
    """Id of config/compute.yaml."""
    seed: Seed
    """Seed of training and of sampling."""
    offline: bool
    """Whether downloads are forbidden: a job that needs one stops."""
    metric_weights: Literal["none", "small", "all"]
    """Weights of learned metrics to fetch before an evaluation; ``small`` is at most 100 MB."""
    restoration: Restoration
    test_sets: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Ids of config/testsets.yaml."""
    methods: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Ids of config/methods.yaml or baselines, in the order of the tables."""
    metrics: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Ids of config/metrics.yaml."""
    protocol: Name
    """The protocol by which metrics are computed: the id in config/metrics.yaml, or one of its ``protocols``."""
    tables: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Ids of config/tables.yaml."""
    show_published: bool
    """Whether tables also show published rows of methods that were not measured."""
    hr_features: Annotated[float, Field(ge=0)]
    """Gigabytes of disk (data/hr-features) for what metrics compute of HR images, which all methods share; 0: none."""
    intervals: bool
    """Whether tables show a 95 % bootstrap interval with every average."""
    timing: TimingChoice
    """The times of Table 2."""
    timings: tuple[Annotated[str, Field(pattern=r"\.json$")], ...]
    """Files of benchmark.complexity.timing from other devices, for Table 2."""
    ablation_base: Name
    """Base recipe of the ablations' variants."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    """Every ablation variant is trained once with each of these seeds."""
    shards: dict[str, Annotated[int, Field(ge=1, le=10**4)]]
    """By test set: number of jobs that restore and measure it, each a part of the images."""
    pictures: tuple[Name, ...]
    """Ids of config/pictures.yaml: the pictures that ``all`` makes."""
    container: Annotated[str, Field(pattern=r"^\S+$")] | None = None
    """Image in which `--sdm apptainer` runs every job: a file, or an address such as docker://REGISTRY/NAME@sha256:...;
    null: none."""
    submissions: Text | None = None
    """Folder of submissions; each of them is one more method, whose name is that of its file."""
    report: ReportChoice = ReportChoice()
    """How many images of the run the folder of the report gets."""
    paths: dict[str, Text]
    """By test set, photo set, backbone, extractor's weights or method: folder that has it already. The path of a method
    of kind images contains {test_set}; that of a method with an official_file holds this file."""
    baselines: BaselineSettings

    @model_validator(mode="after")
    def _check_lists(self) -> MainConfig:
        for key in ("test_sets", "methods", "metrics", "tables", "pictures", "timings", "seeds"):
            _unlike(getattr(self, key), key)
        return self


class MethodBase(Settings):
    """Settings of every method."""

    title: Text
    """Its name in tables and figures."""
    steps: Steps
    """Network passes per image; 0 for interpolation."""
    published: Text | None = None
    """Its name in config/published, if that is not the title."""


class InterpolationMethod(MethodBase):
    """Interpolation by Pillow."""

    kind: Literal["interpolation"]
    kernel: Literal["nearest", "bilinear", "bicubic", "lanczos"]


class VariantMethod(MethodBase):
    """A training of an OSEDiff variant."""

    kind: Literal["variant"]
    variant: Name
    """Id of config/variants.yaml."""
    recipe_base: Name | None = None
    """Null: the value of the main file."""
    seed: Seed | None = None
    """Null: the value of the main file."""


class CheckpointMethod(MethodBase):
    """A checkpoint that exists already, as a folder or as a file of the official code; nothing is trained for it."""

    kind: Literal["checkpoint"]
    checkpoint: Text | None = None
    """Its folder: adapters.safetensors, recipe.json, outcome.json."""
    official_file: Artifact | None = None
    """One .pkl of the official code; a rule fetches it into data/checkpoints/METHOD and converts it."""
    backbone: Name
    """The backbone of its training; id of config/backbones.yaml."""
    prompts: Name
    """The prompts when it restores; id of config/prompts.yaml."""

    @model_validator(mode="after")
    def _check_one_source(self) -> CheckpointMethod:
        if (self.checkpoint is None) == (self.official_file is None):
            raise ValueError("needs either checkpoint or official_file")
        if self.official_file and len(self.official_file.files) != 1:
            raise ValueError("official_file: needs exactly one file")
        return self


class ImagesMethod(MethodBase):
    """SR images that exist already: in a folder, or published images that are fetched."""

    kind: Literal["images"]
    images: Annotated[str, Field(pattern=r"\{test_set\}")] | None = None
    """Their folder, with {test_set} in its path."""
    download: dict[Name, Artifact] = Field(default_factory=dict)
    """By test set: the published images."""

    @model_validator(mode="after")
    def _check_one_source(self) -> ImagesMethod:
        if (self.images is None) == (not self.download):
            raise ValueError("needs either images or download")
        return self


class ResultsMethod(MethodBase):
    """Results that another person measured: a submission of ``python -m benchmark.report export``."""

    kind: Literal["results"]
    submission: Text
    """Its folder or zip file."""


class BaselineMethod(MethodBase):
    """A folder of baselines/."""

    kind: Literal["baseline"]
    weights: Literal["other", "random"] | None = None
    """Description of its weights, if they are not the published files."""


Method = InterpolationMethod | VariantMethod | CheckpointMethod | ImagesMethod | ResultsMethod | BaselineMethod
MethodEntry = Annotated[
    InterpolationMethod | VariantMethod | CheckpointMethod | ImagesMethod | ResultsMethod, Field(discriminator="kind")
]


class VariantRegistry(Settings):
    """config/variants.yaml. Entries are parts of a recipe, which is checked when it is complete."""

    default: Name
    """The variant with which every ablation compares its variants."""
    bases: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    variants: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]


class RecipeSources(Settings):
    """Keys of a recipe in config/variants.yaml that name entries of other files."""

    backbone: str
    """Id of config/backbones.yaml."""
    photos: str
    """Training photographs; id of config/photos.yaml."""
    degradation: str | None
    """Id of config/degradations.yaml; null: the photographs come in pairs."""


class ComputeEntry(Compute):
    """An entry of config/compute.yaml: how a training is computed."""

    processes: Annotated[int, Field(ge=1, le=1024)]
    """Devices that share a batch."""
    gpu_memory: Annotated[int, Field(ge=1)] | None
    """Memory in GB of the GPU for which the entry is; null: the entry is for a CPU."""


class Table(Settings):
    """An entry of config/tables.yaml."""

    title: Text
    caption: Text
    metrics: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns, in order."""
    reference: bool = True
    """Shows the test sets with HR images; false: those without."""
    methods: tuple[Name, ...] = ()
    """Rows of this table; a method that no table names is a row of every table."""
    all_methods: bool = False
    """Whether every method is a row, also those that other tables name."""
    published: Text | None = None
    """The table in config/published that show_published adds."""


class PictureChoice(Settings):
    """An image of a picture."""

    test_set: Name
    image: FileName
    """Its name without suffix."""
    box: Box | None = None
    """The crop in pixels of the SR image: left, top, width, height. Null: the part with the most edges."""


class Picture(Settings):
    """An entry of config/pictures.yaml: images, each with crops of all methods."""

    title: Text
    methods: tuple[Name, ...] = ()
    """The methods shown, as far as they are active; empty: all active methods."""
    ablation: Name | None = None
    """An ablation whose rows are shown in place of methods, with their prompts."""
    images: Annotated[tuple[PictureChoice, ...], Field(min_length=1)]
    """Images of all presets; those of test sets that are not active are left out."""

    @model_validator(mode="after")
    def _check_one_kind(self) -> Picture:
        if self.methods and self.ablation:
            raise ValueError("needs methods or ablation, not both")
        return self


class AblationTestSets(Settings):
    """The test set of an ablation at each preset; without one, the preset does not have the ablation."""

    demo: Name | None = None
    reproduce: Name | None = None
    paper: Name | None = None

    def at(self, preset: Preset) -> str | None:
        """Return the test set at ``preset``."""
        return {"demo": self.demo, "reproduce": self.reproduce, "paper": self.paper}[preset]

    @model_validator(mode="after")
    def _check_any(self) -> AblationTestSets:
        if not (self.demo or self.reproduce or self.paper):
            raise ValueError("needs a test set of one preset at least")
        return self


class Ablation(Settings):
    """An entry of config/ablations.yaml: variants and the table that compares them."""

    title: Text
    note: str = ""
    """Caption of the table."""
    test_set: AblationTestSets
    metrics: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns, in order."""
    variants: Annotated[dict[Name, Text], Field(min_length=1)]
    """Title of each variant's row, in order."""
    published: dict[Name, Text] = Field(default_factory=dict)
    """By variant: its name in config/published."""
    published_remark: dict[Name, Text] = Field(default_factory=dict)
    """By variant: a statement of the paper in words."""
    extraction: bool = False
    """Whether the table has a column with the seconds to extract the prompt of one image."""
