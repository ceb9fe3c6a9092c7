;; error: it exports no `describe`
(component)
