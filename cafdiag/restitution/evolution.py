"""Ce qui évolue dans le rapport : les naissances, la série du taux, sa tendance, ce qui la fait.

Rien n'est montré tant qu'une seule année est connue ; rien n'est relié ni comparé par-dessus une rupture de série.
"""

from __future__ import annotations

import pandas as pd

from cafdiag.indicateurs import annees_disponibles
from cafdiag.indicateurs.evolution import avec_ruptures, decomposer
from cafdiag.indicateurs.mesures import COLONNES, mesurer_serie
from cafdiag.restitution import titres
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import commentaire, derniere_suite
from cafdiag.restitution.document import Suite, paragraphe
from cafdiag.restitution.formats import intervalle, nombre
from cafdiag.restitution.graphiques_rang import serie as dessiner_serie

TAUX = "PE_TXCOUV_GLOBAL"
NAISSANCES = "PE_NAISS"
# Ce que tout rapport trace, et ce qu'il montre commune par commune.
SERIES, COMMUNES = (NAISSANCES, TAUX), ("PE_ENF_M3", "CTX_POP")


def mesures_d_une_serie(territoire, indicateur: str, *, annee, apports, options) -> pd.DataFrame:
    """Mesures d'un indicateur jusqu'à l'année du rapport : un rapport de 2022 ne montre pas 2023."""
    table = mesurer_serie(territoire, indicateur, apports=apports, options=options)
    return table if annee is None else table[table["annee"].le(annee)].reset_index(drop=True)


def mesures_tracees(donnees: Donnees) -> pd.DataFrame:
    """Les années des graphiques d'évolution que les mesures du territoire n'ont pas : celles d'avant."""
    series = [donnees.naissances] if fait_une_serie(donnees.naissances) else []
    if trace_le_taux(donnees):
        series.append(donnees.lecture.series[TAUX])
    blocs = [t.loc[t["annee"].ne(donnees.lecture.annee(t["indicateur"].iloc[0])), COLONNES] for t in series]
    if not blocs:
        return donnees.naissances.iloc[:0]
    return pd.concat(blocs, ignore_index=True).assign(role="serie")


def series_du_rapport(territoire, *, annee, apports, options) -> dict[str, pd.DataFrame]:
    """Série du taux de couverture jusqu'à l'année du rapport, par code ; vide si les données n'en ont qu'une."""
    if len(annees_disponibles(TAUX)) < 2:
        return {}
    mesures = mesures_d_une_serie(territoire, TAUX, annee=annee, apports=apports, options=options)
    return {TAUX: avec_ruptures(mesures)} if len(mesures) else {}


def trace_le_taux(donnees: Donnees) -> bool:
    """Vrai si le rapport trace la série du taux : deux années connues au moins."""
    table = donnees.lecture.series.get(TAUX)
    return table is not None and fait_une_serie(table) and donnees.lecture.connu(TAUX)


def fait_une_serie(table: pd.DataFrame) -> bool:
    """Vrai si deux années au moins sont connues : une seule ne fait pas une évolution."""
    return len(table) > 1 and bool(table["valeur"].notna().sum() >= 2)


def de_bout_en_bout(table: pd.DataFrame) -> pd.DataFrame:
    """La série, de sa première à sa dernière année connue : une année pas encore publiée n'apprend rien."""
    connues = table.loc[table["valeur"].notna(), "annee"]
    return table[table["annee"].between(connues.min(), connues.max())]


def evolution(donnees: Donnees) -> Suite:
    """Graphique de la série, tendance et décomposition ; vide sans deux années connues."""
    if not trace_le_taux(donnees):
        return ()
    table = donnees.lecture.series[TAUX]
    periode = f"{table['annee'].min():.0f}-{table['annee'].max():.0f}"
    dessin = dessiner_serie(
        table.assign(territoire=donnees.territoire.code, nom=donnees.nom),
        territoire=donnees.territoire.code,
        titre=titres.du_taux(table),
        sous_titre=f"Taux de couverture, {periode}, places pour 100 enfants de moins de 3 ans",
        source=_source(table),
        decimales=1,
    )
    ruptures = [f"{int(li['annee'])} : {li['motif']}." for _, li in table[table["rupture"]].iterrows()]
    tendance = commentaire(donnees.lecture, TAUX, limite=False).tendance
    return (dessin, *paragraphe(tendance, _parts(donnees, table), *ruptures))


def _source(table: pd.DataFrame) -> str:
    connues = table[table["valeur"].notna()]
    noms = " ; ".join(dict.fromkeys(connues["source"]))
    return f"{noms}, {connues['millesime'].iloc[0]} à {connues['millesime'].iloc[-1]}"


def _parts(donnees: Donnees, table: pd.DataFrame) -> str:
    """Ce qui vient des places, ce qui vient du nombre d'enfants, de bout en bout de la dernière suite d'années."""
    suite = derniere_suite(table)
    if len(suite) < 2:
        return ""
    debut, fin = int(suite["annee"].iloc[0]), int(suite["annee"].iloc[-1])
    effets = decomposer(donnees.territoire, debut, fin)
    if effets["valeur"].isna().any():
        return ""
    places, enfants = (_effet(effets.loc[e]) for e in ("effet_places", "effet_naissances"))
    return (
        f"En places pour 100 enfants, cette variation s'explique pour {places} par le nombre de places et pour "
        f"{enfants} par le nombre d'enfants (estimation ; {effets['motif'].iloc[0]})."
    )


def _effet(ligne: pd.Series) -> str:
    dit = nombre(ligne["valeur"], decimales=1, signe=True)
    bornes = [nombre(ligne[borne], decimales=1, signe=True) for borne in ("bas", "haut")]
    return dit if bornes == [dit, dit] else f"{dit} ({intervalle(ligne['bas'], ligne['haut'], decimales=1)})"
