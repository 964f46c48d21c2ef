from .annotations import Annotations as Annotations, read_annotations as read_annotations
from .dataset import (
    DIGEST_BYTES as DIGEST_BYTES,
    Dataset as Dataset,
    hold_out as hold_out,
    merge_splits as merge_splits,
    rewrite_texts as rewrite_texts,
    same_at as same_at,
    same_values as same_values,
    texts_of as texts_of,
    value_digest as value_digest,
    value_digests as value_digests,
)
from .label_files import (
    ACTIONS as ACTIONS,
    AUDIT_COLUMNS as AUDIT_COLUMNS,
    COLUMNS as COLUMNS,
    CONTROL as CONTROL,
    DROP as DROP,
    KEEP as KEEP,
    RELABEL as RELABEL,
    UNKNOWN as UNKNOWN,
    UNSURE as UNSURE,
    Decisions as Decisions,
    LabelledExamples as LabelledExamples,
    LabelReader as LabelReader,
    apply_labels as apply_labels,
    choice_of as choice_of,
    decisions_by_person as decisions_by_person,
    new_labels as new_labels,
    read_decisions as read_decisions,
    read_label_file as read_label_file,
    splits_in as splits_in,
)
from .load import (
    load_dataset as load_dataset,
    load_unlabelled as load_unlabelled,
    part_of as part_of,
    with_groups as with_groups,
)
from .outcomes import (
    OutcomeTable as OutcomeTable,
    check_models as check_models,
    read_outcomes as read_outcomes,
    table_of_frame as table_of_frame,
)
from .sources.file_blobs import cache_folder as cache_folder
from .sources.source import (
    check_examples as check_examples,
    check_ids as check_ids,
    own_ids as own_ids,
)
from .tables.dataset import checked_names as checked_names
from .tables.splits import is_table as is_table, open_table as open_table
from .tables.table import (
    INTEGER as INTEGER,
    Table as Table,
    column_values as column_values,
    is_value as is_value,
    names_in as names_in,
    written_in as written_in,
)
from .tables.text_files import csv_header as csv_header
from .tags import (
    MARK as MARK,
    TAG as TAG,
    TAG_STATES as TAG_STATES,
    Questions as Questions,
    RunTags as RunTags,
    Tags as Tags,
    check_tag_names as check_tag_names,
    refusal_of_tags as refusal_of_tags,
    unfold_tags as unfold_tags,
)
