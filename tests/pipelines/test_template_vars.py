"""The variables of the YAML files in `defs`."""

from dagster.components.component.template_vars import find_inline_template_vars_in_module

from pipelines import project, template_vars


def test_the_settings_file_is_the_only_variable():
    found = find_inline_template_vars_in_module(template_vars)
    assert [(name, value()) for name, value in found.items()] == [
        ("settings_file", project.settings_file())
    ]
