"""Les indicateurs d'accès : places à portée (2SFCA), durée jusqu'au plus proche, part à x minutes au plus.

Chaque commune est réduite à son point central ; l'offre et la demande des communes voisines comptent, même hors
du territoire. Une voisine dont on ignore l'offre ou les enfants rend la réponse incertaine : elle est encadrée,
ou tue, jamais supposée vide.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import pandas as pd

from cafdiag.donnees.communes import comptes_confirmes, muets_de_la_base
from cafdiag.donnees.grandeurs import SOURCE_ACCES, derniere_annee
from cafdiag.indicateurs.accessibilite import (
    PALIERS,
    autour,
    deux_temps,
    deux_temps_encadre,
    minutes,
    proximite_par_commune,
    voisiner,
)
from cafdiag.indicateurs.agregation import DEMI_LARGEUR_MAXIMALE, exacte, rapport
from cafdiag.indicateurs.contexte import Contexte, premiere_connue, resultat
from cafdiag.indicateurs.generiques import citer_le_registre, dire_millesime
from cafdiag.indicateurs.routes import dire_convention, dire_duree, en_minutes, proche, rayon_m
from cafdiag.magasin import lire_table

# Une durée moyenne encadrée plus largement n'apprend rien : une minute de part et d'autre.
DEMI_MINUTE_MAXIMALE = 1.0
# Au-delà de tant de fois l'imprécision admise, un encadrement n'est même pas montré.
LARGEUR_MONTREE = 10
# « Au moins » n'apprend quelque chose que si la moitié des enfants ont une réponse sûre, ou, pour des places, si celles
# de la moitié des établissements à leur portée sont sues.
PART_SURE_MINIMALE = 0.5
# Indicateur → types de structures, et la colonne communale qui les compte quand aucun registre n'est complet.
EQUIPEMENTS = {
    "ACC_EAJE_TEMPS": {"eaje": "bpe{*}_eaje", "micro_creche": "bpe{*}_micro_creche"},
    "ACC_PART_X_MIN": {"eaje": "bpe{*}_eaje", "micro_creche": "bpe{*}_micro_creche"},
    "ACC_PART_X_MIN_ALSH": {"alsh": "bpe{*}_alsh"},
    "ACC_PART_X_MIN_CS": {"centre_social": "centres_sociaux"},
    "ACC_PART_X_MIN_LAEP": {"laep": "bpe{*}_laep"},
    "AD_FS_ACCES": {"france_services": "france_services_{*}"},
}
_CAPACITES = "minorant : les places de certains établissements à portée ne sont pas connues"
_VOISINES = "l'offre ou les enfants de communes voisines à portée ne sont pas connus"


def _situables(contexte: Contexte, public: tuple[str, int]) -> pd.Index:
    """Communes dont le public (variable et année) est connu : situer les autres ne servirait à rien."""
    variable, annee = public
    valeurs = contexte.par_commune(variable, annee=annee)["valeur"]
    return valeurs.index[valeurs.notna()]


def _renseignees(contexte: Contexte, cibles: pd.Index, offre: pd.Series) -> pd.Index:
    """Celles d'un département où l'offre est connue quelque part : ailleurs, on ne sait rien, sans rien chercher."""
    departements = contexte.communes["departement"]
    connus = departements.loc[offre.index[offre.notna()]].dropna().unique()
    return cibles[departements.loc[cibles].isin(connus).to_numpy()]


def equipees(contexte: Contexte, indicateur: str) -> pd.Series:
    """Nombre d'équipements de chaque commune : manquant si rien ne dit qu'il y en a, ni qu'il n'y en a pas."""
    total = reduce(
        _reunir,
        (
            comptes_confirmes(type_, gabarit, contexte.communes, contexte.structures, contexte.apports)
            for type_, gabarit in EQUIPEMENTS[indicateur].items()
        ),
    )
    # Ce que la ville a est compté à la ville : un arrondissement muet n'en cache pas d'autre.
    meres = contexte.partager(("arrondissements",), _villes_des_arrondissements)
    comptes_des_villes = total.reindex(meres).set_axis(meres.index)
    muets = meres.index[total.reindex(meres.index).isna() & comptes_des_villes.notna()]
    total[muets] = 0.0
    return total


def _villes_des_arrondissements() -> pd.Series:
    communes = lire_table("communes", colonnes=["code", "commune_mere"]).set_index("code")["commune_mere"]
    return communes.dropna().astype(object)


def _reunir(un: pd.Series, autre: pd.Series) -> pd.Series:
    """Somme de deux comptes ; l'un des deux suffit à dire la commune équipée."""
    somme = un + autre
    connu = un.fillna(0.0) + autre.fillna(0.0)
    return somme.where(somme.notna(), connu.where(connu.gt(0)))


def deux_temps_eaje(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Offre accessible pour 100 enfants de moins de 3 ans (2SFCA), pondérée par les enfants (A3).

    ``ligne["numerateur"]`` est l'offre (des places, ou des établissements), ``ligne["denominateur"]`` la demande.
    """
    choix = contexte.options
    annee, annee_offre = contexte.annee_la_plus_connue(ligne["denominateur"]), contexte.annee_de(ligne["numerateur"])
    enfants = contexte.par_commune(ligne["denominateur"], annee=annee)
    offre = contexte.par_commune(ligne["numerateur"], annee=annee_offre)
    paliers = PALIERS[choix.poids_acces](choix.acces_minutes)
    acces = contexte.partager_longtemps(
        ("2sfca", ligne["numerateur"], annee_offre, ligne["denominateur"], annee, paliers, choix.vitesse_kmh),
        lambda: _par_commune(
            contexte, enfants, offre, _situables(contexte, (ligne["denominateur"], annee)), paliers,
            parts=contexte.communes.get(f"{ligne['numerateur']}_part_sue"),
        ).reindex(enfants.index),
    )
    brut, total = _moyenne(contexte, acces, enfants)
    connu, nul = brut["valeur"].notna(), total["valeur"].eq(0)
    sure = enfants.mask(acces["valeur"].isna() & enfants["valeur"].notna(), 0.0)
    en_places = "part_sue" in acces
    if en_places:
        sure = enfants.mul(acces["part_sue"].fillna(0.0), axis=0)
    au_moins = ~connu & brut["bas"].gt(0) & contexte.sommer(sure)["valeur"].ge(PART_SURE_MINIMALE * total["valeur"])
    manquants = contexte.manquantes(ligne["denominateur"], annee=annee)
    motif = pd.Series(dire_duree(contexte), index=contexte.codes).where(connu, _VOISINES)
    if en_places:
        motif = motif.mask(au_moins, _CAPACITES)
    motif = motif.mask(manquants.ne(""), manquants).mask(nul, "aucun enfant de moins de 3 ans")
    table = resultat(
        contexte.codes,
        valeur=brut["valeur"].mask(nul),
        numerateur=(brut["valeur"] * total["valeur"] / 100).mask(nul),
        denominateur=total["valeur"],
        bas=brut["bas"].where(au_moins),
        haut=brut["haut"].where(au_moins & np.isfinite(brut["haut"])),
        statut=pd.Series("estime", index=contexte.codes)
        .mask(~connu, "non_disponible")
        .mask(nul, "sans_objet"),
        motif=motif,
        maille_source="commune",
        annee=annee,
        millesime=", ".join(
            [
                "places les plus récentes de chaque commune" if en_places else f"équipements {annee_offre}",
                f"naissances {dire_millesime(ligne['denominateur'], annee)}",
            ]
        ),
    )
    if en_places:
        return table
    muets = [muets_de_la_base(t, contexte.apports) for t in EQUIPEMENTS["ACC_EAJE_TEMPS"]]
    return citer_le_registre(contexte, table, ligne, ou=frozenset.intersection(*muets), voisines=True)


def _millesime(contexte: Contexte, public: str, annee: int, gabarit: str) -> str:
    """« équipements 2025, naissances 2023 à 2025 » : l'édition de l'offre, puis l'année du public."""
    compte = "naissances" if public == "enfants_moins_3_ans" else "population"
    edition = derniere_annee(contexte.communes, gabarit) if "{*}" in gabarit else None
    return (f"équipements {edition}, " if edition else "") + f"{compte} {dire_millesime(public, annee)}"


def _par_commune(
    contexte: Contexte,
    enfants: pd.DataFrame,
    offre: pd.DataFrame,
    cibles: pd.Index,
    paliers: tuple[tuple[float, float], ...],
    *,
    parts: pd.Series | None,
) -> pd.DataFrame:
    """2SFCA des communes visées : on ne cherche que les lieux à leur portée, et les enfants à portée de ceux-ci."""
    rayon = rayon_m(contexte, paliers[-1][0])
    ici = contexte.points.loc[_renseignees(contexte, cibles, offre["valeur"])]
    proches = autour(contexte.points, ici, marge_m=2 * rayon)
    lieux = proches[offre["haut"].loc[proches.index].gt(0)]
    lieux = lieux.iloc[np.unique(voisiner(ici, lieux, rayon_m=rayon).j)]
    voisinage = en_minutes(contexte, voisiner(proches, lieux, rayon_m=rayon))
    # Des enfants inconnus sont au plus tous les habitants, s'ils sont connus.
    demande, habitants = enfants.loc[proches.index], contexte.par_commune("population")["haut"]
    demande["haut"] = demande["haut"].where(np.isfinite(demande["haut"]), habitants.loc[proches.index])
    acces = deux_temps_encadre(demande, offre.loc[lieux.index], voisinage, paliers=paliers)
    if parts is not None:
        # Même calcul, en établissements : quelle part de ceux à portée dit ses places ?
        etablissements = contexte.par_commune("lieux_eaje")["valeur"].loc[lieux.index].fillna(0.0)
        tous, sus = (
            deux_temps(demande["haut"], n, voisinage, paliers=paliers)[0]
            for n in (etablissements, etablissements * parts.loc[lieux.index])
        )
        acces["part_sue"] = sus / tous
    # Le calcul n'est complet que pour elles : aux autres, proches ou sans coordonnées, il manque des lieux.
    return acces.reindex(ici.index).reindex(cibles).fillna({"bas": 0.0, "haut": np.inf})


def _moyenne(
    contexte: Contexte, acces: pd.DataFrame, enfants: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``Σ P_i A_i / Σ P_i`` (A3), encadrée ; une commune sans enfant ne pèse rien, même incertaine."""
    poids = enfants["valeur"]
    # Zéro enfant à une distance inconnue, donc peut-être infinie : zéro.
    valeurs = {c: np.where(poids == 0, 0.0, acces[c].to_numpy()) for c in ("valeur", "bas", "haut")}
    peses = {c: v * poids for c, v in valeurs.items()}
    total = contexte.sommer_ensembles(exacte(poids))
    return rapport(contexte.sommer_ensembles(pd.DataFrame(peses)), total, facteur=1.0), total


def temps_moyen(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Durée moyenne estimée jusqu'à la commune équipée la plus proche, pondérée par le public (A3)."""
    annees = contexte.annees_d_acces(ligne["numerateur"])
    return premiere_connue(_temps_annuel(contexte, ligne, annee) for annee in annees)


def _temps_annuel(contexte: Contexte, ligne: pd.Series, annee: int) -> pd.DataFrame:
    public = contexte.par_commune(ligne["numerateur"], annee=annee)
    duree = _durees(contexte, ligne["code"], (ligne["numerateur"], annee))
    acces = pd.DataFrame(
        {
            "valeur": duree["connu"].mask(duree["possible"].lt(duree["connu"])),
            "bas": duree.min(axis=1).fillna(0.0),
            "haut": duree["connu"].fillna(np.inf),
        }
    )
    brut, total = _moyenne(contexte, acces, public)
    route, estime = _route(contexte, ligne), None
    if route is not None:
        estime = brut["valeur"]
        vraies = route[1]["duree"].reindex(acces.index)
        acces = pd.DataFrame({c: vraies.fillna(valeurs) for c, valeurs in acces.items()})
        brut, total = _moyenne(contexte, acces, public)
    table = _conclure(
        contexte, ligne, brut, total, annee=annee, demi_maximale=DEMI_MINUTE_MAXIMALE, sens="majorant"
    )
    table = citer_le_registre(contexte, table, ligne, *EQUIPEMENTS[ligne["code"]], voisines=True)
    return table if route is None else _par_la_route(contexte, table, route, estime, "minutes")


def part_a_portee(contexte: Contexte, ligne: pd.Series) -> pd.DataFrame:
    """Part du public à x minutes au plus d'une commune équipée (A1), encadrée aux bords."""
    annees = contexte.annees_d_acces(ligne["numerateur"])
    return premiere_connue(_part_annuelle(contexte, ligne, annee) for annee in annees)


def des_proches(public: pd.DataFrame, oui: np.ndarray, peut_etre: np.ndarray) -> pd.DataFrame:
    """Le public des communes où la réponse est oui, encadré par celles où l'on ne sait pas."""
    valeur, bas, haut = (public[c].to_numpy() for c in ("valeur", "bas", "haut"))
    return pd.DataFrame(
        {
            "valeur": np.where(peut_etre | np.isnan(valeur), np.nan, np.where(oui, valeur, 0.0)),
            "bas": np.where(oui, bas, 0.0),
            "haut": np.where(oui | peut_etre, haut, 0.0),
        },
        index=public.index,
    )


def _part_annuelle(contexte: Contexte, ligne: pd.Series, annee: int) -> pd.DataFrame:
    seuil = (
        contexte.options.acces_fs_minutes
        if ligne["code"] == "AD_FS_ACCES"
        else contexte.options.acces_minutes
    )
    public = contexte.par_commune(ligne["numerateur"], annee=annee)
    duree = _durees(contexte, ligne["code"], (ligne["numerateur"], annee))
    connu, possible = duree["connu"].to_numpy(), duree["possible"].to_numpy()
    oui = connu <= seuil
    # Sans coordonnées, on ne sait pas non plus.
    peut_etre = ~oui & ((possible <= seuil) | contexte.points["x"].isna().to_numpy())
    a_portee = des_proches(public, oui, peut_etre)
    total = contexte.somme(ligne["numerateur"], annee=annee)
    brut = rapport(contexte.sommer_ensembles(a_portee), total, facteur=100, partie=True)
    route, estime = _route(contexte, ligne), brut["valeur"]
    par_la_route = route if route is not None and f"a{seuil:g}" in route[1] else None
    if par_la_route is not None:
        # La part de tous les habitants, prise pour celle du public.
        parts = par_la_route[1][f"a{seuil:g}"].reindex(public.index)
        a_portee = pd.DataFrame(
            {c: (public[c] * parts).mask(parts.eq(0), 0.0).where(parts.notna(), a_portee[c]) for c in a_portee}
        )
        brut = rapport(contexte.sommer_ensembles(a_portee), total, facteur=100, partie=True)
    table = _conclure(
        contexte, ligne, brut, total, annee=annee, demi_maximale=DEMI_LARGEUR_MAXIMALE, sens="minorant"
    )
    table = citer_le_registre(contexte, table, ligne, *EQUIPEMENTS[ligne["code"]], voisines=True)
    return table if par_la_route is None else _par_la_route(contexte, table, par_la_route, estime, "%")


def _route(contexte: Contexte, ligne: pd.Series) -> tuple[int, pd.DataFrame] | None:
    """Les durées de route de l'Insee jusqu'à cet équipement, si elles sont là (le premier type nomme le groupe)."""
    groupe = next(iter(EQUIPEMENTS[ligne["code"]]))
    return contexte.partager(("route", groupe), lambda: proche(contexte, groupe))


def _par_la_route(
    contexte: Contexte, table: pd.DataFrame, route: tuple[int, pd.DataFrame], estime: pd.Series, unite: str
) -> pd.DataFrame:
    """Dit d'où vient la durée, et ce que notre estimation aurait donné à sa place : son erreur."""
    an, durees = route
    siennes = contexte.sommer(exacte(durees["duree"].reindex(contexte.communes.index).notna().astype(float)))
    n, sur = siennes["valeur"].to_numpy(), siennes["n"].to_numpy()
    ici = (n > 0) & table["valeur"].notna().to_numpy()
    motifs = table["motif"].to_numpy(dtype=object, copy=True)
    for r in np.flatnonzero(ici):
        ailleurs = "" if n[r] == sur[r] else f" pour {int(n[r])} communes sur {int(sur[r])}, estimée ailleurs"
        dit = f"durée par la route de tous les habitants (Insee, {an}){ailleurs}"
        if not np.isnan(estime.iloc[r]):
            dit += f" ; à vol d'oiseau nous aurions dit {estime.iloc[r]:.1f} {unite}".replace(".", ",")
        motifs[r] = dit
    sources = table["source"].mask(ici, SOURCE_ACCES)
    millesimes = table["millesime"].where(~ici, f"accès {an}, " + table["millesime"].str.partition(", ")[2])
    return table.assign(motif=motifs, source=sources, millesime=millesimes)


def _durees(contexte: Contexte, indicateur: str, public: tuple[str, int]) -> pd.DataFrame:
    """``connu`` et ``possible``, en minutes estimées, des communes dont le public est connu ; vides ailleurs."""

    def situer() -> pd.DataFrame:
        equipement, cibles = equipees(contexte, indicateur), _situables(contexte, public)
        situees = _renseignees(contexte, cibles, equipement)
        distances = proximite_par_commune(contexte.points, equipement, cibles=situees)
        # Dans un département muet, la commune même peut être équipée.
        distances = distances.reindex(cibles).fillna({"possible": 0.0}) if len(situees) < len(cibles) else distances
        return distances.reindex(contexte.points.index)

    # Durée moyenne et part à portée d'une crèche partent des mêmes distances.
    distances = contexte.partager_longtemps(("proximite", *EQUIPEMENTS[indicateur], public), situer)
    return minutes(distances, vitesse_kmh=contexte.options.vitesse_kmh)


def _conclure(
    contexte: Contexte,
    ligne: pd.Series,
    brut: pd.DataFrame,
    total: pd.DataFrame,
    *,
    annee: int,
    demi_maximale: float,
    sens: str,
) -> pd.DataFrame:
    """Valeur sûre, ou ses seules bornes, ou rien."""
    sur = brut["valeur"].notna()
    situe, nul = total["valeur"].notna(), total["valeur"].eq(0)
    borne = situe & ~sur & (brut["haut"] - brut["bas"]).le(LARGEUR_MONTREE * demi_maximale)
    valeur = brut["valeur"].mask(nul)
    duree = dire_convention(contexte)
    motif = pd.Series(duree, index=contexte.codes).mask(
        ~sur, "l'équipement de communes voisines n'est pas connu : rien ne dit le plus proche"
    )
    motif = motif.mask(
        borne, f"{sens} : une commune voisine non renseignée peut être équipée et plus proche ; {duree}"
    )
    manquants = contexte.manquantes(ligne["numerateur"], annee=annee)
    motif = motif.mask(~situe & manquants.ne(""), manquants).mask(nul, "le dénominateur est nul")
    statut = (
        pd.Series("estime", index=contexte.codes)
        .mask(valeur.isna(), "non_disponible")
        .mask(nul, "sans_objet")
    )
    return resultat(
        contexte.codes,
        valeur=valeur,
        denominateur=total["valeur"],
        bas=brut["bas"].where(borne),
        haut=brut["haut"].where(borne),
        statut=statut,
        motif=motif,
        maille_source="commune",
        annee=annee,
        millesime=_millesime(contexte, ligne["numerateur"], annee, next(iter(EQUIPEMENTS[ligne["code"]].values()))),
    )
