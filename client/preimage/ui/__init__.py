"""The web page of `preimage ui`: pictures and codes go in, pre-images appear while they are found.

It is a client like any other: everything goes through `AsyncClient`. The page is made with
NiceGUI, which the extra [ui] brings; the models, layers and presets that it offers are those that
the service names.

    serving   the web server: guard, page, service, from start to stop
    guard     who may talk to it: this page only, and not without end
    service   the service as all tabs see it: its models, or why there are none
    session   what one tab holds: a picture or code, and the work that ends with it
    running   an order becomes a job, is followed, and is cancelled with the tab
    page      heading and tabs:
      inverting, comparing ─▶ grid ─▶ cell, browsing ─▶ job_row
        file_picker ─▶ given, model_picker, fields ─▶ reading     what to invert, and how
        view ─▶ sheet ─▶ chart                                    one job, and what is seen of it
"""
