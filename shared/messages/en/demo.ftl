# The end of the demo, as the terminal shows it. What ends in `-label` is a cell of a table or a heading.

demo-reports-label = Two reports, as pages to open in a browser or to pass on:
demo-load-report-label = How the model loads
demo-training-report-label = Where a training step goes
demo-report-missing = There is no page: { $reason }
