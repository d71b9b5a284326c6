"""Éducation nationale : annuaire des établissements et effectifs des écoles."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    REPETEE,
    Chantier,
    a_colonnes,
    completer_par_zero,
    ouvrir,
    refuser,
    simple,
    trouver,
)
from cafdiag.donnees.tableurs import lire_tableau

SOURCE = "Éducation nationale, annuaire"
_TYPES = {"ecole": "ecoles", "college": "colleges", "lycee": "lycees"}
_TYPE, _UAI = r"type_(d_)?etablissement", r"identifiant_(de_l_)?etablissement|uai|numero_uai|code_uai"
_ETAT, _MISE_A_JOUR = r"etat(_etablissement)?", "date_maj_ligne|annee"
_ELEVES = r"nombre_total_eleves|nombre_eleves_total|effectif_total"
_RENTREE = r"rentree(_scolaire)?|annee_scolaire"
_COMMUNE = (r"code_(insee_)?(de_la_)?commune|code_insee", *COMMUNE)


def lire_comptes(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Écoles et collèges par commune ; la somme des types doit faire le total annoncé."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee, commune=COMMUNE, types=("bytype",))
    brut, roles = chantier.brut, chantier.roles
    codes = chantier.codes()
    objets = brut.table[roles["types"]].map(_objet)
    chantier.rejeter(objets.isna(), "comptes illisibles", brut.table[roles["types"]])
    if total := trouver(brut.entete, "totalopen|total"):
        annonces, _ = chantier.nombres(total)
        sommes = objets.map(lambda o: sum(o.values()) if o else float("nan"))
        chantier.rejeter(annonces.ne(sommes), "la somme des types ne fait pas le total", brut.table[total])
    an = _annee(chantier, trouver(brut.entete, "year|annee"))
    propres = pd.DataFrame([{_TYPES[simple(k)]: v for k, v in (o or {}).items() if simple(k) in _TYPES}
                            for o in objets.where(objets.notna(), None)], columns=list(_TYPES.values()))
    # Un établissement ouvert d'un autre type est compté : l'absence d'école y est un vrai zéro.
    propres = propres.astype("float64").fillna(0.0).add_suffix(f"_{an}").set_axis(brut.table.index)
    chantier.sans_doublon([codes], propres)
    chantier.refuser_si_vide("un objet « byType » par commune")
    propres.insert(0, "code", codes)
    table = chantier.au_cog(propres[chantier.garde].reset_index(drop=True),
                            additives=[c for c in propres if c != "code"], cle=None, millesime=an)
    table = completer_par_zero(chantier, table)
    return chantier.rendre(table, annees=[an], source=SOURCE, millesime=str(an))


def _objet(texte: str) -> dict | None:
    try:
        objet = json.loads(texte)
    except ValueError:
        return None
    juste = isinstance(objet, dict) and all(isinstance(v, int) and v >= 0 for v in objet.values())
    return objet if juste else None


def _annee(chantier: Chantier, colonne: str | None) -> int:
    if colonne and not chantier.annee_dite:
        ans = chantier.annees(chantier.brut.table[colonne], debut=10)
        if ans.notna().any():
            return int(ans.max())
    return chantier.annee_annoncee()


def lire_annuaire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Annuaire officiel (fr-en-annuaire-education) : établissements ouverts, comptés par commune."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee,
                      colonnes=lambda n: trouver([n], _TYPE, _UAI, _ETAT, _MISE_A_JOUR, *_COMMUNE) is not None,
                      commune=_COMMUNE, type_etablissement=(_TYPE,), identifiant=(_UAI,))
    brut, roles = chantier.brut, chantier.roles
    chantier.exiger_entier()
    codes = chantier.codes()
    types = brut.table[roles["type_etablissement"]].map(simple)
    if etat := trouver(brut.entete, _ETAT):
        ferme = ~brut.table[etat].map(simple).isin(["ouvert", "1", ""])
        chantier.rejeter(ferme, "établissement fermé ou à ouvrir", brut.table[etat])
    chantier.rejeter(~types.isin(_TYPES), "ni école, ni collège, ni lycée", brut.table[roles["type_etablissement"]])
    an = _annee(chantier, trouver(brut.entete, "annee|date_maj_ligne"))
    fiche = pd.DataFrame({"code": codes, "nom": types.map(_TYPES)})
    chantier.sans_doublon([brut.table[roles["identifiant"]]], fiche)
    chantier.refuser_si_vide("des établissements ouverts")
    comptes = fiche[chantier.garde].value_counts(["code", "nom"]).unstack(fill_value=0).astype("float64")
    comptes = comptes.add_suffix(f"_{an}").rename_axis(None, axis=1)
    table = chantier.au_cog(comptes.reset_index(), additives=list(comptes.columns), cle=None, millesime=an)
    table = completer_par_zero(chantier, table)
    return chantier.rendre(table, annees=[an], source=SOURCE, millesime=str(an))


def lire_effectifs(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Élèves des écoles, préélémentaire et élémentaire, sommés par commune et par rentrée."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee,
                      rentree=(_RENTREE,),
                      eleves=(_ELEVES,))
    brut, roles = chantier.brut, chantier.roles
    chantier.exiger_entier()
    commune = trouver(brut.entete, _COMMUNE[0], *COMMUNE[:1])
    if commune is None:
        raise refuser(brut, "colonne absente : code de la commune (un nom ne suffit pas : des communes sont homonymes)",
                      attendu="code_commune", conseil="exportez le jeu avec le code Insee de la commune")
    codes = chantier.codes(commune)
    ans = chantier.annees(brut.table[roles["rentree"]], debut=4)
    colonnes = {"eleves": roles["eleves"],
                "eleves_preelementaire": trouver(brut.entete, r"nombre_eleves_preelementaire(_hors_ulis)?"),
                "eleves_elementaire": trouver(brut.entete, r"nombre_eleves_elementaire(_hors_ulis)?")}
    valeurs = pd.DataFrame({n: chantier.nombres(c)[0] for n, c in colonnes.items() if c})
    if ecole := trouver(brut.entete, r"numero_ecole|uai|numero_uai|code_uai|identifiant.*"):
        chantier.sans_doublon([brut.table[ecole], ans.astype("str")], valeurs)
    chantier.sans_rejet("une école écartée fausserait le total de sa commune", sauf=(REPETEE,))
    chantier.refuser_si_vide("une école par ligne")
    garde = chantier.garde
    sommes = valeurs[garde].groupby([codes[garde].to_numpy(), ans[garde].astype(int).to_numpy()]).sum(skipna=False)
    table = sommes.unstack()
    table.columns = [f"{nom}_{an}" for nom, an in table.columns]
    table = table.rename_axis("code").reset_index()
    table = chantier.au_cog(table, additives=[c for c in table if c != "code"], cle=None)
    annees = sorted({int(a) for a in ans[garde]})
    return chantier.rendre(table, annees=annees, source="Éducation nationale, effectifs des écoles",
                           millesime=f"rentrée {annees[-1]}")


def refuser_ips(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Refuse l'indice de position sociale : une moyenne sans effectifs ne donne pas celle d'un territoire."""
    brut = lire_tableau(chemin, feuille=feuille)
    raise refuser(brut, f"indice de position sociale des écoles ({len(brut.table)} lignes), sans le nombre d'élèves : "
                  "une moyenne d'écoles ne donne pas celle d'un EPCI",
                  attendu="des grandeurs qui se somment, ou publiées à la maille étudiée",
                  conseil="aucun indicateur du diagnostic ne l'emploie ; le niveau de vie vient de Filosofi")


LECTEURS = (
    Lecteur("education_comptes", "établissements scolaires par commune", a_colonnes(0.9, COMMUNE, "bytype"),
            lire_comptes, ("code", "byType", "totalOpen"), utile=False),
    Lecteur("education_annuaire", "annuaire de l'éducation", a_colonnes(0.9, _TYPE, _UAI), lire_annuaire,
            ("identifiant_de_l_etablissement", "type_etablissement", "code_commune", "etat"), utile=False),
    Lecteur("education_effectifs", "effectifs des écoles", a_colonnes(0.9, _ELEVES, _RENTREE), lire_effectifs,
            ("rentree_scolaire", "code_commune", "nombre_total_eleves"), utile=False),
    Lecteur("education_ips", "indice de position sociale (refusé)", a_colonnes(0.8, r"ips|averageips|ips_moyen|ips_.*"),
            refuser_ips),
)
