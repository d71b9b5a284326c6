"""Insee : niveau de vie et pauvreté (Filosofi), communes et EPCI. Une médiane ne s'agrège jamais."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.anct import GEOGRAPHIE_PRIORITAIRE, QPV, anciens_qpv
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    Chantier,
    exiger,
    ouvrir,
    refuser,
    siecle,
    simple,
    trouver,
)
from cafdiag.donnees.nettoyage import code_epci, nombre
from cafdiag.donnees.tableurs import apercu, lire_tableau
from cafdiag.geographie import ANCIENNE
from cafdiag.millesimes import millesime
from cafdiag.territoires.passage import sirens_connus

SOURCE = "Insee, Filosofi"
# MED21 (base communale), Q219 (fichier des revenus disponibles : deuxième quartile), MED_SL (Melodi).
_LARGE = {"niveau_vie_median": r"(med|q2)(?P<an>\d\d)|med_?(?P<an4>20\d\d)", "taux_pauvrete": r"tp60(?P<an>\d\d)"}
_NIVEAU = "nivgeo|niveau"
_SIREN = r"^(?:\d{4}-EPCI-)?(\d{9})$"
_LONG = {"MED_SL": "niveau_vie_median", "PR_MD60": "taux_pauvrete"}


def _colonnes(entete: list[str]) -> dict[str, tuple[str, int]]:
    trouvees = {}
    for nom in entete:
        for grandeur, motif in _LARGE.items():
            if m := re.fullmatch(motif, simple(nom)):
                trouvees[nom] = (grandeur, siecle(next(g for g in m.groupdict().values() if g)))
    return trouvees


def reconnait_large(brut: Brut) -> bool:
    """Une ligne par commune ou par EPCI, MED21 ou Q219."""
    return bool(trouver(brut.entete, *COMMUNE) and _colonnes(brut.entete))


def lire_large(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Médiane et taux de pauvreté, « s » (secret) et « nd » (non disponible) gardés comme statuts.

    Une commune fusionnée depuis n'est pas reprise : sa médiane ne se déduit pas de celles de ses parties.
    """
    brut = lire_tableau(chemin, feuille=feuille, colonnes=lambda n: bool(
        _colonnes([n]) or trouver([n], *COMMUNE, "libgeo", _NIVEAU)))
    roles = exiger(brut, code=COMMUNE)
    colonnes = _colonnes(brut.entete)
    serie = brut.table[roles["code"]]
    # Neuf chiffres : des EPCI. Leur médiane ne se calcule pas à partir des communes : elle vaut d'être gardée.
    epci = serie.str.fullmatch(r"\d{9}|[XZ]+").mean() > 0.5
    chantier = Chantier(brut, "epci" if epci else "communes", annee=annee)
    codes = _codes_epci(chantier, serie) if epci else chantier.codes(roles["code"])
    valeurs = {}
    for nom, (grandeur, an) in colonnes.items():
        cible = f"{grandeur}_{an}"
        if cible in valeurs:
            raise refuser(brut, f"deux colonnes donnent {cible}")
        valeurs[cible], valeurs[f"{cible}__statut"] = chantier.nombres(nom)
    fiche = pd.DataFrame(valeurs)
    chantier.sans_doublon([codes], fiche)
    chantier.refuser_si_vide("une ligne par commune ou par EPCI")
    fiche.insert(0, "code", codes)
    table = fiche[chantier.garde].reset_index(drop=True)
    return _finir(chantier, table, {an for _, an in colonnes.values()}, epci=epci)


def _codes_epci(chantier: Chantier, serie: pd.Series) -> pd.Series:
    codes = code_epci(serie)
    chantier.rejeter_selon(codes.raisons, serie)
    chantier.remarques += codes.remarque()
    disparus = codes.valeurs.notna() & ~codes.valeurs.isin(sirens_connus())
    chantier.rejeter(disparus, f"EPCI qui n'existait plus en {ANCIENNE}", serie)
    return codes.valeurs


_METHODE = millesime("filosofi.methode")


def _finir(chantier: Chantier, table: pd.DataFrame, annees: set[int], *, epci: bool) -> Lecture:
    if max(annees) >= _METHODE:
        chantier.remarques.append(f"Filosofi {_METHODE} (méthode nouvelle) ne se compare pas aux années d'avant")
    secrets = sum(int(table[c].eq("secret").sum()) for c in table if c.endswith("__statut"))
    if secrets:
        chantier.remarques.append(f"{secrets} valeur(s) protégée(s) par le secret statistique")
    if epci:
        chantier.remarques.append("maille EPCI : composition de l'année de la source, pas d'aujourd'hui")
    else:
        grandeurs = [c for c in table if c != "code" and not c.endswith("__statut")]
        table = chantier.au_cog(table, additives=[], non_additives=grandeurs)
    return chantier.rendre(table, annees=annees, source=SOURCE, millesime=f"revenus {max(annees)}")


def reconnait_long(brut: Brut) -> bool:
    """Forme longue : GEO, FILOSOFI_MEASURE, OBS_VALUE."""
    return bool(trouver(brut.entete, "geo") and trouver(brut.entete, "filosofi_measure"))


def lire_long(chemin: Path, *, feuille: str | None = None, annee: int | None = None, epci: bool = False) -> Lecture:
    """Filosofi de Melodi (DS_FILOSOFI_CC) : la médiane et le taux de pauvreté des communes, ou des EPCI.

    Ceux d'un EPCI ne se déduisent pas de ceux de ses communes.
    """
    chantier = ouvrir(chemin, "epci" if epci else "communes", feuille=feuille, annee=annee, geo=("geo",),
                      mesure=("filosofi_measure",), valeur=("obs_value",))
    brut, roles = chantier.brut, chantier.roles
    chantier.exiger_entier()
    objet = trouver(brut.entete, r"geo_object|nivgeo|niveau")
    if epci:
        # Sans colonne de niveau, neuf chiffres : un SIREN.
        siens = brut.table[objet].eq("EPCI") if objet else brut.table[roles["geo"]].str.contains(_SIREN)
        chantier.mettre_de_cote(~siens, "autre maille que l'EPCI")
    else:
        chantier.mailles_communales()
    mesure = brut.table[roles["mesure"]]
    chantier.mettre_de_cote(~mesure.isin(_LONG), "mesure que le diagnostic n'emploie pas")
    for nom in brut.table:
        if nom not in roles.values() and brut.table[nom].eq("_T").any():
            chantier.rejeter(brut.table[nom].ne("_T"), f"détail de {nom}", brut.table[nom])
    if epci and not chantier.garde.any():
        return chantier.rendre(pd.DataFrame({"code": pd.Series(dtype="str")}), annees=[], source=SOURCE, millesime="")
    if epci:
        codes = _codes_epci(chantier, brut.table[roles["geo"]].str.extract(_SIREN, expand=False).fillna(""))
    else:
        codes = chantier.codes_geo(roles["geo"])
    if temps := trouver(brut.entete, "time_period"):
        ans = chantier.annees(brut.table[temps])
    else:
        ans = pd.Series(chantier.annee_annoncee(), index=brut.table.index, dtype="Int64")
    valeurs, statuts = nombre(brut.table[roles["valeur"]])
    if conf := trouver(brut.entete, "conf_status"):
        statuts = statuts.mask(brut.table[conf].isin(["C", "S"]), "secret")
    valeurs = valeurs.where(statuts.eq("exact"))
    chantier.rejeter(statuts.eq("illisible"), "OBS_VALUE : ce n'est pas un nombre", brut.table[roles["valeur"]])
    chantier.sans_doublon([codes, mesure, ans.astype("str")], pd.DataFrame({"v": valeurs, "s": statuts}))
    chantier.refuser_si_vide("MED_SL et PR_MD60, GEO_OBJECT = COM")
    garde = chantier.garde
    long = pd.DataFrame({"code": codes[garde], "v": valeurs[garde], "s": statuts[garde].astype("str"),
                         "nom": mesure[garde].map(_LONG) + "_" + ans[garde].astype("str")})
    table = long.pivot(index="code", columns="nom", values="v")
    etats = long.pivot(index="code", columns="nom", values="s").fillna("non_disponible").add_suffix("__statut")
    table = pd.concat([table, etats], axis=1).reset_index().rename_axis(None, axis=1)
    return _finir(chantier, table, {int(a) for a in ans[garde]}, epci=epci)


def reconnait_anciens_qpv(brut: Brut) -> bool:
    """Des chiffres par quartier, aux codes QP (géographie de 2015)."""
    nom = trouver(brut.entete, *COMMUNE, "code_qp|code_qpv|codeqp|qp|qpv|code_quartier")
    return bool(nom and nom in brut.table and len(brut.table)
                and brut.table[nom].str.fullmatch(r"QP[0-9A-Z]{6}").mean() > 0.5)


def refuser_anciens_qpv(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Refuse des quartiers de 2015 : leur périmètre n'existe plus depuis le 1er janvier 2024."""
    brut = lire_tableau(chemin, feuille=feuille)
    nom = trouver(brut.entete, *COMMUNE, "code_qp|code_qpv|codeqp|qp|qpv|code_quartier")
    raise refuser(
        brut, f"{len(brut.table)} {anciens_qpv(brut.table[nom].iloc[0])}", attendu=GEOGRAPHIE_PRIORITAIRE,
        conseil=f"prenez l'édition « {QPV} » du même jeu ; aucune table ne passe un chiffre d'une liste à l'autre")


def lire_filosofi(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Filosofi sous ses deux formes : une colonne par grandeur, ou une ligne par grandeur (Melodi)."""
    long = reconnait_long(apercu(chemin, feuille=feuille))
    return (lire_long if long else lire_large)(chemin, feuille=feuille, annee=annee)


LECTEURS = (
    Lecteur("insee_filosofi", "niveau de vie et pauvreté (Filosofi)",
            lambda b: max(0.85 * reconnait_large(b), 0.95 * reconnait_long(b)), lire_filosofi,
            ("CODGEO", "MED21", "TP6021", "FILOSOFI_MEASURE")),
    Lecteur("insee_filosofi_epci", "niveau de vie et pauvreté des EPCI (Filosofi, forme longue)",
            lambda b: 0.3 * reconnait_long(b), partial(lire_long, epci=True),
            ("GEO", "GEO_OBJECT", "FILOSOFI_MEASURE")),
    Lecteur("qpv_2015", "chiffres par quartier de 2015 (refusés)", lambda b: 0.97 * reconnait_anciens_qpv(b),
            refuser_anciens_qpv),
)
