"""Éducation nationale : annuaire des établissements et effectifs des écoles."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    REPETEE,
    Chantier,
    annee_du_nom,
    completer_par_zero,
    exiger,
    refuser,
    simple,
    trouver,
)
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.nettoyage import annee as lire_annee

SOURCE = "Éducation nationale, annuaire"
_TYPES = {"ecole": "ecoles", "college": "colleges", "lycee": "lycees"}
_COMMUNE = (r"code_(insee_)?(de_la_)?commune|code_insee", *COMMUNE)


def reconnait_comptes(brut: Brut) -> bool:
    """Nombre d'établissements par type, pour chaque commune (dérivé de l'annuaire)."""
    return bool(trouver(brut.entete, *COMMUNE) and trouver(brut.entete, "bytype"))


def lire_comptes(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Écoles et collèges par commune ; la somme des types doit faire le total annoncé."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE, types=("bytype",))
    chantier = Chantier(brut, "communes", annee=annee)
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
    objets = brut.table[roles["types"]].map(_objet)
    chantier.rejeter(objets.isna(), "comptes illisibles", brut.table[roles["types"]])
    if total := trouver(brut.entete, "totalopen|total"):
        annonces, _ = chantier.nombres(total)
        sommes = objets.map(lambda o: sum(o.values()) if o else float("nan"))
        chantier.rejeter(annonces.ne(sommes), "la somme des types ne fait pas le total", brut.table[total])
    an = _annee(chantier, trouver(brut.entete, "year|annee"), annee)
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


def _annee(chantier: Chantier, colonne: str | None, annee: int | None) -> int:
    if annee:
        return annee
    if colonne:
        ans, raisons = lire_annee(chantier.brut.table[colonne].str.slice(0, 10))
        chantier.rejeter_selon(raisons, chantier.brut.table[colonne])
        if ans.notna().any():
            return int(ans.max())
    an = annee_du_nom(chantier.brut.fichier)
    if an is None:
        raise refuser(chantier.brut, "rien ne dit l'année", conseil="mettez l'année dans le nom du fichier")
    return an


def reconnait_annuaire(brut: Brut) -> bool:
    """Annuaire : un établissement par ligne, identifiant et type."""
    return bool(trouver(brut.entete, "type_etablissement|type_d_etablissement")
                and trouver(brut.entete, r"identifiant_(de_l_)?etablissement|uai|numero_uai|code_uai"))


def lire_annuaire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Annuaire officiel (fr-en-annuaire-education) : établissements ouverts, comptés par commune."""
    brut = lire_tableau(chemin, feuille=feuille, colonnes=lambda n: trouver(
        [n], r"type_(d_)?etablissement|identifiant_(de_l_)?etablissement|uai|numero_uai|code_uai|etat(_etablissement)?|"
        r"date_maj_ligne|annee", *_COMMUNE) is not None)
    roles = exiger(brut, commune=_COMMUNE, type_etablissement=(r"type_(d_)?etablissement",),
                   identifiant=(r"identifiant_(de_l_)?etablissement|uai|numero_uai|code_uai",))
    chantier = Chantier(brut, "communes", annee=annee)
    chantier.exiger_entier()
    codes = chantier.communes(roles["commune"])
    chantier.connus(codes)
    types = brut.table[roles["type_etablissement"]].map(simple)
    if etat := trouver(brut.entete, r"etat(_etablissement)?"):
        ferme = ~brut.table[etat].map(simple).isin(["ouvert", "1", ""])
        chantier.rejeter(ferme, "établissement fermé ou à ouvrir", brut.table[etat])
    chantier.rejeter(~types.isin(_TYPES), "ni école, ni collège, ni lycée", brut.table[roles["type_etablissement"]])
    an = _annee(chantier, trouver(brut.entete, "annee|date_maj_ligne"), annee)
    fiche = pd.DataFrame({"code": codes, "nom": types.map(_TYPES)})
    chantier.sans_doublon([brut.table[roles["identifiant"]]], fiche)
    chantier.refuser_si_vide("des établissements ouverts")
    comptes = fiche[chantier.garde].value_counts(["code", "nom"]).unstack(fill_value=0).astype("float64")
    comptes = comptes.add_suffix(f"_{an}").rename_axis(None, axis=1)
    table = chantier.au_cog(comptes.reset_index(), additives=list(comptes.columns), cle=None, millesime=an)
    table = completer_par_zero(chantier, table)
    return chantier.rendre(table, annees=[an], source=SOURCE, millesime=str(an))


def reconnait_effectifs(brut: Brut) -> bool:
    """Effectifs des écoles : élèves par école et par rentrée."""
    return bool(trouver(brut.entete, r"nombre_total_eleves|nombre_eleves_total|effectif_total")
                and trouver(brut.entete, r"rentree(_scolaire)?|annee_scolaire"))


def lire_effectifs(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Élèves des écoles, préélémentaire et élémentaire, sommés par commune et par rentrée."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, rentree=(r"rentree(_scolaire)?|annee_scolaire",),
                   eleves=(r"nombre_total_eleves|nombre_eleves_total|effectif_total",))
    chantier = Chantier(brut, "communes", annee=annee)
    chantier.exiger_entier()
    commune = trouver(brut.entete, _COMMUNE[0], *COMMUNE[:1])
    if commune is None:
        raise refuser(brut, "colonne absente : code de la commune (un nom ne suffit pas : des communes sont homonymes)",
                      attendu="code_commune", conseil="exportez le jeu avec le code Insee de la commune")
    codes = chantier.communes(commune)
    chantier.connus(codes)
    ans, raisons = lire_annee(brut.table[roles["rentree"]].str.slice(0, 4))
    chantier.rejeter_selon(raisons, brut.table[roles["rentree"]])
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


def reconnait_ips(brut: Brut) -> bool:
    """Indice de position sociale, par école ou par commune."""
    return bool(trouver(brut.entete, r"ips|averageips|ips_moyen|ips_.*"))


def refuser_ips(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Refuse l'indice de position sociale : une moyenne sans effectifs ne donne pas celle d'un territoire."""
    brut = lire_tableau(chemin, feuille=feuille)
    raise refuser(brut, f"indice de position sociale des écoles ({len(brut.table)} lignes), sans le nombre d'élèves : "
                  "une moyenne d'écoles ne donne pas celle d'un EPCI",
                  attendu="des grandeurs qui se somment, ou publiées à la maille étudiée",
                  conseil="aucun indicateur du diagnostic ne l'emploie ; le niveau de vie vient de Filosofi")


LECTEURS = (
    Lecteur("education_comptes", "établissements scolaires par commune", lambda b: 0.9 * reconnait_comptes(b),
            lire_comptes, ("code", "byType", "totalOpen")),
    Lecteur("education_annuaire", "annuaire de l'éducation", lambda b: 0.9 * reconnait_annuaire(b), lire_annuaire,
            ("identifiant_de_l_etablissement", "type_etablissement", "code_commune", "etat")),
    Lecteur("education_effectifs", "effectifs des écoles", lambda b: 0.9 * reconnait_effectifs(b), lire_effectifs,
            ("rentree_scolaire", "code_commune", "nombre_total_eleves")),
    Lecteur("education_ips", "indice de position sociale (refusé)", lambda b: 0.8 * reconnait_ips(b), refuser_ips),
)
