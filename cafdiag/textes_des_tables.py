"""Comment pandas garde les textes : en objets de Python, que les petites tables d'un rapport lisent plus vite.

Par défaut pandas les confie à pyarrow, fait pour des millions de lignes : chaque tranche de vingt communes y coûte un
appel d'Arrow par colonne (``docs/decisions/textes.md``). Le type (``str``), les manquants et les résultats sont les
mêmes.
"""

import pandas as pd

pd.set_option("mode.string_storage", "python")
