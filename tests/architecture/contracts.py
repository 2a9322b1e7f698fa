"""Import contracts of our own: who may see what, file order in a context, private files."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Trespass = tuple[str, str]


class EdgeContract(Contract):
    """A contract that judges each direct import by itself."""

    advice: str

    def trespasses(self, graph: ImportGraph) -> Iterable[Trespass]:
        """The forbidden direct imports, each as (importer, imported)."""
        raise AssertionError(f"{type(self).__name__} says nothing")

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Called by import-linter; `verbose` changes nothing here."""
        found = sorted(self.trespasses(graph))
        return ContractCheck(kept=not found, metadata={"trespasses": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each forbidden import."""
        for importer, imported in check.metadata["trespasses"]:
            output.print_error(f"{importer} -> {imported}: {self.advice}")


class SightContract(EdgeContract):
    """Modules inside `importers` (and not inside `but`) see, of the packages `of`, only `only`.

    Unlike import-linter's `forbidden` and `protected` it names what is allowed, so a new package
    is unseen, and it holds before the first import of `of` exists. `*` matches any name.
    """

    advice = "this package is out of sight; let what you need arrive as an argument."
    importers = fields.ListField(subfield=fields.StringField())
    but = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    of = fields.ListField(subfield=fields.StringField())
    only = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def trespasses(self, graph: ImportGraph) -> Iterable[Trespass]:
        """Direct imports of what is out of sight."""
        importers = _inside(graph.modules, self.importers)
        for importer in importers - _inside(importers, self.but):
            imported = graph.find_modules_directly_imported_by(importer)
            for module in _inside(imported, self.of) - _inside(imported, self.only):
                yield importer, module


class FileOrderContract(EdgeContract):
    """Inside each context of `container`, a file imports only files below it in `files`.

    `files` runs from top to bottom; `*` stands for every name not listed (the pure rules, which
    may import one another). The packages named in `but` are no contexts.
    """

    advice = "imports fall inside a context: service > store > pure rules > records."
    container = fields.StringField()
    but = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    files = fields.ListField(subfield=fields.StringField())

    def trespasses(self, graph: ImportGraph) -> Iterable[Trespass]:
        """Direct imports that climb from one file of a context to a higher one."""
        ignored = {f"{self.container}.{name}" for name in _strings(self.but)}
        for context in graph.find_children(str(self.container)) - ignored:
            for importer in graph.find_descendants(context):
                imported = graph.find_modules_directly_imported_by(importer)
                for module in _inside(imported, [context]):
                    if self._place(context, importer) > self._place(context, module):
                        yield importer, module

    def _place(self, context: str, module: str) -> int:
        order = _strings(self.files)
        name = module.removeprefix(context).lstrip(".").split(".")[0]
        if name == "":
            return -1  # the context's own __init__ is above all of its files
        return order.index(name if name in order else "*")


class PrivateFilesContract(EdgeContract):
    """The files named in `private` are imported only from inside their own context."""

    advice = "this file is private; call its context's service instead."
    container = fields.StringField()
    private = fields.ListField(subfield=fields.StringField())

    def trespasses(self, graph: ImportGraph) -> Iterable[Trespass]:
        """Direct imports of a private file from outside its folder."""
        for context in graph.find_children(str(self.container)):
            private = [f"{context}.{name}" for name in _strings(self.private)]
            for module in _inside(graph.find_descendants(context), private):
                for importer in graph.find_modules_that_directly_import(module):
                    if not importer.startswith(f"{context}."):
                        yield importer, module


def _strings(field: object) -> list[str]:
    assert isinstance(field, list)
    return field


def _inside(modules: Iterable[str], packages: object) -> set[str]:
    return {
        module
        for module in modules
        for package in _strings(packages)
        if fnmatchcase(module, package) or fnmatchcase(module, f"{package}.*")
    }
