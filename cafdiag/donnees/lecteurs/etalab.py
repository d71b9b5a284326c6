"""Etalab : découpage administratif (communes et EPCI, avec la population municipale)."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    Chantier,
    exiger,
    refuser,
    trouver,
)
from cafdiag.donnees.lecteurs.insee_population import au_referentiel, nom_population
from cafdiag.donnees.lecteurs.insee_zonages import rendre_appartenance
from cafdiag.donnees.lecteurs.millesimes import millesime_cache
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.nettoyage import code_commune, code_epci

_ACTUELLES = ("commune-actuelle", "arrondissement-municipal")


def reconnait_communes(brut: Brut) -> bool:
    """Communes du découpage administratif : code, type, population."""
    return bool(trouver(brut.entete, "code") and trouver(brut.entete, "typeliaison")
                and trouver(brut.entete, "type") and trouver(brut.entete, "population"))


def lire_communes(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Population municipale des communes actuelles ; déléguées et associées n'en ont pas."""
    brut = lire_tableau(chemin, feuille=feuille, colonnes=("code", "nom", "type", "population", "zone"))
    roles = exiger(brut, code=("code",), type=("type",), population=("population",))
    chantier = Chantier(brut, "communes", annee=annee)
    sorte = brut.table[roles["type"]]
    chantier.rejeter(sorte.isin(["commune-deleguee", "commune-associee"]), "commune déléguée ou associée", sorte)
    chantier.rejeter(~sorte.isin(_ACTUELLES), "type de commune inconnu", sorte)
    codes = chantier.communes(roles["code"])
    chantier.connus(codes)
    population, _ = chantier.nombres(roles["population"])
    chantier.rejeter(population.mod(1).gt(0), "une population municipale est un entier",
                     brut.table[roles["population"]])
    chantier.sans_doublon([codes], population.to_frame("p"))
    chantier.refuser_si_vide("des communes actuelles")
    table = pd.DataFrame({"code": codes, "p": population})[chantier.garde].reset_index(drop=True)
    sans = int(table["p"].isna().sum())
    if sans:
        chantier.remarques.append(f"{sans} communes ou collectivités sans population publiée : laissées vides")
    # La version du paquet dit le COG, pas le recensement : seules les populations le disent.
    an = millesime_cache(chantier, table.set_index("code")["p"])
    table = table.rename(columns={"p": nom_population(an)})
    table = au_referentiel(chantier, table)
    return chantier.rendre(table, annees=[an], source="Insee, populations légales (découpage d'Etalab)",
                           millesime=f"RP {an}")


def reconnait_epci(brut: Brut) -> bool:
    """EPCI et la liste de leurs membres."""
    return bool(trouver(brut.entete, "membres") and trouver(brut.entete, "code"))


def lire_epci(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Composition des EPCI, une ligne par commune membre ; un EPCI aux membres illisibles est écarté."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, code=("code",), nom=("nom",), membres=("membres",))
    chantier = Chantier(brut, "appartenance", annee=annee)
    epci = code_epci(brut.table[roles["code"]])
    chantier.rejeter_selon(epci.raisons, brut.table[roles["code"]])
    listes = brut.table[roles["membres"]].map(_membres)
    chantier.rejeter(listes.isna(), "membres illisibles", brut.table[roles["membres"]].str.slice(0, 60))
    chantier.sans_doublon([epci.valeurs], brut.table[[roles["nom"], roles["membres"]]])
    chantier.refuser_si_vide("des EPCI et leurs membres")
    lignes = [(code, epci.valeurs[i], brut.table.at[i, roles["nom"]])
              for i in brut.table.index[chantier.garde] for code in listes[i]]
    table = pd.DataFrame(lignes, columns=["code", "epci", "nom_epci"])
    codes = code_commune(table["code"])
    faux = sorted({*table.loc[codes.raisons.ne(""), "code"], *table.loc[table["code"].duplicated(), "code"]})
    if faux:
        raise refuser(brut, "communes fausses, ou membres de deux EPCI : " + ", ".join(faux[:10]))
    return rendre_appartenance(chantier, table, annee)


def _membres(texte: str) -> list[str] | None:
    # Une liste d'objets mise en texte par le lecteur : objets séparés par « | ».
    try:
        objets = json.loads(texte) if texte.startswith("[") else [json.loads(t) for t in texte.split(" | ")]
        return [str(o["code"]) for o in objets]
    except (ValueError, KeyError, TypeError):
        return None


LECTEURS = (
    Lecteur("etalab_communes", "découpage administratif, communes", lambda b: 0.95 * reconnait_communes(b),
            lire_communes, ("code", "typeLiaison", "type", "population")),
    Lecteur("etalab_epci", "découpage administratif, EPCI", lambda b: 0.95 * reconnait_epci(b), lire_epci,
            ("code", "nom", "membres")),
)
