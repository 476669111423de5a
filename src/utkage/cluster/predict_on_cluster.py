"""``predict`` on a Ray cluster: sources are cut into parts, which workers predict on all nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from utkage.cluster.job_folder import MANIFEST, JobFolder, JobSummary, described
from utkage.cluster.manifest import write_manifest
from utkage.cluster.nodes import PoolSize, pool_size, require_equal_nodes
from utkage.cluster.part_pictures import Permissions
from utkage.cluster.part_predictor import PartPredictor, PartResult, WorkerJob
from utkage.cluster.parts import Part, Source, cut, open_sources, part_size
from utkage.cluster.ray_session import AUTO, LOCAL, connected, require_ray, require_reachable
from utkage.core.errors import DataError, UsageError
from utkage.core.files import file_hash
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.text import counted
from utkage.core.versions import versions
from utkage.models.locate import is_shipped, resolve_weights
from utkage.prediction.parquet_rows import require_pyarrow
from utkage.prediction.predictor import PredictSettings


@dataclass(frozen=True, kw_only=True)
class ClusterRequest(PredictSettings):
    """Sources, output and settings of ``predict_on_cluster``. Further fields: ``PredictSettings``.

    Attributes:
        sources: Manifests (``.jsonl``, ``.parquet``), tar archives, patterns of them, addresses of
            them, or one folder of pictures.
        out: Output folder, which all nodes see at the same path.
        cluster: ``"local"``, ``"auto"``, or ``HOST:PORT`` of the head node.
        most_workers: Largest number of workers; None for one per core, or per GPU.
        allow_download: Whether addresses may be read.
        allow_private: As in ``PredictRequest``.
        follow_links: Whether linked folders in a folder are entered, each once.
        resume: Whether to continue a job in ``out``.
        reason_text: As in ``WorkerJob``.
    """

    sources: tuple[str, ...]
    out: Path
    cluster: str = "local"
    most_workers: int | None = None
    allow_download: bool = False
    allow_private: bool = False
    follow_links: bool = True
    resume: bool = False
    reason_text: Callable[[str], str] = str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most_workers is not None and self.most_workers < 1:
            raise UsageError(f"`workers` {self.most_workers}: use 1 or more")


def predict_on_cluster(request: ClusterRequest, reporter: Reporter | None = None) -> JobSummary:
    """Predict age and gender of every face in the sources, with rows in Parquet files.

    Each part of the sources gives one file, which gets its name when it is complete. After any
    interruption, the same request with ``resume`` predicts the parts that have none. A picture
    that cannot be read, or that ends its worker again and again, gives a row with the reason.

    Raises:
        UsageError: Ray is missing, the cluster cannot be used, a source or the output cannot, or
            the job in the output folder is another one.
        DataError: a source is damaged, or rows could not be written.
    """
    reporter = reporter or SilentReporter()
    require_ray()
    require_pyarrow()
    request = replace(request, out=request.out.resolve())
    folder = JobFolder(request.out)
    folder.require_usable(resume=request.resume)
    weights = resolve_weights(request.weights)
    if request.cluster not in (LOCAL, AUTO):
        # Before a folder is listed, which may take hours.
        require_reachable(request.cluster)
    with folder.held(resume=request.resume):
        found = _sources(request, folder, reporter)
        with connected(request.cluster, request.most_workers) as ray:
            pool = pool_size(ray.cluster_resources(), request.device, request.most_workers)
            former = folder.plan()
            size = part_size(found, pool.most) if former is None else former.get("part_pictures")
            if not isinstance(size, int) or size < 1:
                raise DataError(f"{folder.plan_file}: damaged; name another folder")
            folder.write_plan(
                {
                    "utkage": versions()["utkage"],
                    "weights": file_hash(weights.path),
                    "settings": {
                        **request.row_settings,
                        "allow_download": request.allow_download,
                    },
                    "sources": described(found),
                    "part_pictures": size,
                }
            )
            own_weights = None if is_shipped(weights.path) else weights.path.resolve()
            require_equal_nodes(ray, folder.plan_file, own_weights)
            parts = cut(found, size)
            job = _worker_job(request, pool, own_weights)
            _run(ray, parts, folder, job, pool, reporter)
            return folder.summarise(parts)


def _sources(request: ClusterRequest, folder: JobFolder, reporter: Reporter) -> list[Source]:
    """The sources, with a manifest in place of a folder."""
    given = request.sources
    folders = [name for name in given if Path(name).is_dir()]
    if folders and len(given) > 1:
        raise UsageError(
            f"{folders[0]}: a folder is predicted alone; write a manifest of each with "
            "'utkage manifest FOLDER'"
        )
    if not folders:
        return open_sources(given, allow_download=request.allow_download)
    manifest = folder.path / MANIFEST
    # A job that resumes has the pictures that it began with.
    if folder.plan() is None:
        listed = write_manifest(
            Path(given[0]),
            manifest,
            follow_links=request.follow_links,
            as_given=True,
            reporter=reporter,
        )
        reporter.info(f"{manifest}: lists {counted(listed, 'picture')}")
    (source,) = open_sources((str(manifest),))
    # Names are those of `predict FOLDER`; workers have another working folder.
    return [replace(source, name=given[0], base=str(Path.cwd()))]


def _worker_job(request: ClusterRequest, pool: PoolSize, weights: Path | None) -> WorkerJob:
    values = {name: getattr(request, name) for name in PredictSettings.__dataclass_fields__}
    settings = PredictSettings(**values)
    return WorkerJob(
        folder=request.out,
        settings=replace(
            settings,
            workers=pool.cpus,
            device="cuda" if pool.gpus else "cpu",
            weights="shipped" if weights is None else str(weights),
        ),
        allowed=Permissions(request.allow_download, request.allow_private),
        reason_text=request.reason_text,
    )


def _run(
    ray: Any,
    parts: Sequence[Part],
    folder: JobFolder,
    job: WorkerJob,
    pool: PoolSize,
    reporter: Reporter,
) -> None:
    """Predict the parts that have no rows yet.

    Raises:
        DataError: a part could not be finished.
    """
    remaining = [part for part in parts if not folder.is_finished(part.number)]
    done = len(parts) - len(remaining)
    if done:
        reporter.info(f"{folder.path}: has {done:,} of {counted(len(parts), 'part')}; resuming")
    workers = min(pool.most, len(remaining))
    kind = "GPU" if pool.gpus else "core"
    waiting = counted(len(remaining), "part")
    reporter.info(f"{waiting} for {counted(workers, 'worker')}, one for each {kind}")
    unfinished = {part.number for part in remaining}
    with reporter.progress("predicting", _pictures(remaining)) as task:
        for result in _results(ray, remaining, job, replace(pool, most=workers)):
            if result.error is not None:
                raise DataError(f"{result.error}; continue with `resume=True`")
            unfinished.discard(result.part)
            task.advance(result.pictures)
    if unfinished:
        raise DataError(
            f"{folder.path}: {counted(len(unfinished), 'part')} not finished; continue with "
            "`resume=True`"
        )


def _pictures(parts: Sequence[Part]) -> int | None:
    counts = [part.count for part in parts]
    return None if None in counts else sum(count or 0 for count in counts)


class _Worker:
    """The callable that Ray Data keeps in each actor."""

    def __init__(self, job: WorkerJob) -> None:
        self._predictor = PartPredictor(job)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        results = [asdict(self._predictor.predict(Part(**part))) for part in batch["part"]]
        return {name: [result[name] for result in results] for name in results[0]}


def _results(
    ray: Any, parts: Sequence[Part], job: WorkerJob, pool: PoolSize
) -> Iterator[PartResult]:
    if not parts:
        return
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    rows = [{"part": asdict(part)} for part in parts]
    # Only descriptions of parts go through Ray, one per block, so no worker has to wait for the
    # rows of another and none reads or writes for the others: each takes a core of its own.
    results = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        _Worker,
        fn_constructor_args=(job,),
        batch_size=1,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(
            min_size=min(pool.least, pool.most),
            max_size=pool.most,
            # A part that waits for a busy worker could be predicted by an idle one.
            max_tasks_in_flight_per_actor=1,
        ),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus,
    )
    for row in results.iter_rows():
        yield PartResult(**row)
