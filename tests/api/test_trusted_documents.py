"""Every operation has one trusted document, valid and named as its file."""

from bff.documents import Documents
from bff.trusted import FOLDER, read_documents, root_fields
from clients.endpoint import document_id
from schema.campus import SCHEMA
from schema.documents import graphql_schema


def test_each_file_is_one_valid_operation_of_its_name() -> None:
    trusted = {
        each.name: each.id for each in Documents(SCHEMA, read_documents(FOLDER), ad_hoc=False)
    }
    assert trusted == {path.stem: document_id(path.stem) for path in FOLDER.glob("*.graphql")}


def test_no_mutation_or_subscription_is_out_of_reach_in_production() -> None:
    core = graphql_schema(SCHEMA)
    assert core.mutation_type is not None
    assert core.subscription_type is not None
    documents = Documents(SCHEMA, read_documents(FOLDER), ad_hoc=False)
    reached = {field for each in documents for field in root_fields(each.prepared)}
    assert {*core.mutation_type.fields, *core.subscription_type.fields} <= reached
