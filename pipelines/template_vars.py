"""The variables of the YAML files in `defs`."""

import dagster as dg

from pipelines import project

settings_file = dg.template_var(project.settings_file)
