from .facts import (
    FOR_FEATURES as FOR_FEATURES,
    about_features as about_features,
    data_name as data_name,
    describe_data as describe_data,
    run_html as run_html,
)
from .hypothesis_page import write_hypothesis as write_hypothesis
from .page import Reported as Reported, render_report as render_report, write_report as write_report
from .paper_page import (
    Gallery as Gallery,
    patterns_page as patterns_page,
    picks_gallery as picks_gallery,
    result_page as result_page,
    write_paper as write_paper,
)
from .run_part import NextStep as NextStep, next_step as next_step
