from .facts import (
    FOR_FEATURES as FOR_FEATURES,
    about_features as about_features,
    accuracy_texts as accuracy_texts,
    data_name as data_name,
    describe_data as describe_data,
    run_html as run_html,
)
from .page import ReportOptions as ReportOptions, render_report as render_report, write_report as write_report
from .paper_page import (
    Gallery as Gallery,
    galleries_of as galleries_of,
    result_page as result_page,
)
from .paper_study import write_paper as write_paper
from .run_part import next_step as next_step
