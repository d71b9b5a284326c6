"""Simuler : les places à créer pour atteindre un taux, ce que la Caf finance, ce qui reste à la collectivité."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.baremes import Baremes, annee_du_bareme, lire_baremes
from cafdiag.indicateurs.besoin import (
    DEMI_PLACE,
    MODES_CREES,
    encadrer_besoin,
    enfants_encadres,
    lire_modes,
    repartir,
)
from cafdiag.indicateurs.comparables import empechement
from cafdiag.indicateurs.comparaison import comparer, situer
from cafdiag.indicateurs.contexte import annee_des_taux
from cafdiag.indicateurs.cout import chiffrer
from cafdiag.indicateurs.petite_enfance import bornes_du_taux
from cafdiag.indicateurs.simulation_objets import DECLARE, VOTRE_CHIFFRE, Hypotheses, Simulation
from cafdiag.indicateurs.tables_calcul import contexte_de
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.normalisation import normaliser

TAUX = {
    "global": ("PE_TXCOUV_GLOBAL", "txcouv", "taux de couverture global"),
    "eaje": ("PE_TXCOUV_EAJE", "txcouv_eaje", "taux de couverture en accueil collectif (EAJE)"),
}
_ETAT_CIVIL, _RECENSEMENT = "Insee, état civil, naissances domiciliées", "Insee, recensement de la population"
_CNAF_PLACES = "Cnaf, nombre de places d'accueil du jeune enfant"
_SOURCES_DES_ENFANTS = {
    "reconstitue": [_CNAF_PLACES],
    "prolonge": [_CNAF_PLACES, _ETAT_CIVIL],
    "recensement": [_ETAT_CIVIL, _RECENSEMENT],
    "recensement_0_14": [_ETAT_CIVIL, _RECENSEMENT],
    "naissances": [_ETAT_CIVIL],
}
CIBLES = ("departement", "region", "france", "comparables")
INCHANGES = (
    "Le nombre d'enfants et les places existantes sont supposés inchangés ; le besoin se compte sur tous les enfants "
    "de moins de 3 ans, pas sur les demandeurs."
)


def simuler(
    cible_territoire: Territoire | str,
    *,
    cible: str | float = "departement",
    taux: str = "global",
    modes: Mapping[str, float | str] | str | None = None,
    annee_bareme: int | str | None = None,
    baremes: Baremes | str | None = None,
    hypotheses: Hypotheses | None = None,
    apports: Apports | None = None,
) -> Simulation:
    """Places à créer pour atteindre une cible, financement de la Caf, reste à charge.

    ``besoin = max(0, ⌈cible/100 × enfants - places⌉)``, encadré par l'incertitude du nombre d'enfants et par
    l'arrondi du taux. Le nombre d'enfants et les places existantes sont supposés inchangés.

    Parameters
    ----------
    cible_territoire : Territoire or str
        Territoire, code ou nom.
    cible : {"departement", "region", "france", "comparables"} or float
        Taux visé : celui d'une référence, ou un nombre de places pour 100 enfants de moins de 3 ans.
    taux : {"global", "eaje"}
        Tous les modes d'accueil, ou l'accueil collectif seul.
    modes : mapping or str, optional
        Parts (%) des places créées par mode : ``{"eaje_psu": 70, "am": 30}``. Par défaut, tout en EAJE à PSU.
    annee_bareme : int, optional
        Année des barèmes ; les derniers connus par défaut.
    baremes : Baremes or str, optional
        Barèmes, ou fichier de barèmes de l'utilisateur (:func:`cafdiag.baremes`).
    hypotheses : Hypotheses, optional
        Nombre d'enfants, places, coûts connus de l'utilisateur.
    apports : Apports, optional
        Données de l'utilisateur (:func:`cafdiag.donnees.lire_apports`).

    Returns
    -------
    Simulation

    Raises
    ------
    DemandeFausse
        Cible, mode ou taux inconnus ; cible que le territoire n'a pas (un département n'a pas de département).
    EntreeFautive
        Fichier de barèmes fautif.

    Examples
    --------
    >>> simulation = simuler("244900015", cible="departement")
    >>> simulation.besoin[["taux", "taux_cible", "places", "bas", "haut"]].iloc[0].to_dict()
    {'taux': 69.3, 'taux_cible': 69.8, 'places': 46.0, 'bas': 36.0, 'haut': 59.0}
    >>> simuler("200048551", cible="france").atteinte
    True
    """
    lieu = cible_territoire if isinstance(cible_territoire, Territoire) else territoire(cible_territoire)
    simulateur = Simulateur(lieu, hypotheses=hypotheses, apports=apports)
    return simulateur.vers(cible, taux=taux, modes=modes, annee_bareme=annee_bareme, baremes=baremes)


class Simulateur:
    """Les données d'un territoire, lues une fois pour simuler vers plusieurs cibles.

    Parameters
    ----------
    lieu : Territoire
    hypotheses : Hypotheses, optional
    apports : Apports, optional
    mesures : DataFrame, optional
        Sortie de :func:`cafdiag.indicateurs.comparer`, si elle est déjà calculée.

    Examples
    --------
    >>> angers = Simulateur(territoire("244900015"))
    >>> [int(angers.vers(c).besoin.at[0, "places"]) for c in ("departement", "france", "76,6")]
    [46, 0, 667]
    """

    def __init__(
        self,
        lieu: Territoire,
        *,
        hypotheses: Hypotheses | None = None,
        apports: Apports | None = None,
        mesures: pd.DataFrame | None = None,
    ) -> None:
        self.lieu, self.hypotheses = lieu, hypotheses or Hypotheses()
        if mesures is None:
            codes = [code for code, *_ in TAUX.values()]
            mesures = comparer(lieu, codes, annee=self.hypotheses.annee, apports=apports)
        self.mesures = mesures
        self._references: dict[str, pd.DataFrame] = {}
        self.contexte = contexte_de(lieu, apports=apports)
        self.annee = annee_des_taux(self.contexte.taux, self.hypotheses.annee)

    def references(self, taux: str = "global") -> pd.DataFrame:
        """Mesures du taux par rôle (``territoire``, ``departement``…)."""
        if taux not in self._references:
            siennes = self.mesures["indicateur"].eq(TAUX[taux][0]).to_numpy()
            self._references[taux] = self.mesures[siennes].set_index("role")
        return self._references[taux]

    def vers(
        self,
        cible: str | float,
        *,
        taux: str = "global",
        modes: Mapping[str, float | str] | str | None = None,
        annee_bareme: int | str | None = None,
        baremes: Baremes | str | None = None,
    ) -> Simulation:
        """Simule vers une cible ; voir :func:`simuler`."""
        if taux not in TAUX:
            raise DemandeFausse(f"taux inconnu : « {taux} »", attendu=", ".join(TAUX))
        parts = lire_modes(modes, collectif=taux == "eaje")
        annee_bareme = annee_du_bareme(annee_bareme)
        lus = baremes if isinstance(baremes, Baremes) else lire_baremes(baremes)
        donnees, mesures = self.hypotheses, self.references(taux)
        _, colonne, nom_taux = TAUX[taux]
        ici = mesures.loc["territoire"]
        visee, dite = _cible(cible, self.lieu, mesures)
        enfants = _enfants(self.contexte, donnees, self.annee, colonne)
        valeur, recalcul = _taux(ici, donnees, enfants)
        if donnees.places is None:
            # Un taux estimé (une fusion, un périmètre libre) est encadré bien plus large que son arrondi.
            publies = pd.DataFrame({c: [float(ici[c])] for c in ("valeur", "bas", "haut")}, index=enfants.index)
            bornes, demi_place = bornes_du_taux(publies), DEMI_PLACE
        else:
            # Les places publiées sont arrondies ; celles de l'utilisateur sont les siennes. Son taux, lui, ne vaut que
            # ce que vaut le nombre d'enfants.
            bornes = 100 * enfants["places"] / enfants["haut"], 100 * enfants["places"] / enfants["bas"]
            demi_place = 0.0
        publiee = f"{ici['source']} ({ici['millesime']})"
        sources = {
            "source_taux": publiee if donnees.places is None else f"calculé avec {_vos_chiffres(donnees)}",
            "statut_taux": ici["statut"] if donnees.places is None else DECLARE if donnees.enfants else "estime",
            "source_cible": VOTRE_CHIFFRE if re.match(r"\d", str(cible).strip()) else publiee,
        }
        besoin = _besoin(visee, valeur, enfants, ici, bornes=bornes, demi_place=demi_place)
        nommees = _SOURCES_DES_ENFANTS.get(besoin.at[0, "methode_enfants"], [])
        sources["source_enfants"] = VOTRE_CHIFFRE if donnees.enfants is not None else " ; ".join(nommees)
        besoin = besoin.assign(annee=self.annee, **sources)
        repartis = _par_mode(besoin, parts)
        financement, reste, inconnues = chiffrer(
            repartis,
            lus,
            annee=annee_bareme,
            cout_investissement=donnees.cout_investissement,
            cout_fonctionnement=donnees.cout_fonctionnement,
        )
        releve = "/".join(reversed(lus.releve.split("-")))
        date = f"au 31 décembre {annee_bareme}" if annee_bareme else f"connus au {releve}"
        dits = " ; ".join(f"{p:g} % en {MODES_CREES[m]}".replace(".", ",") for m, p in parts.items())
        posees = (
            f"Cible : {dite}.",
            recalcul,
            _dire_enfants(besoin.iloc[0], donnees),
            INCHANGES,
            *(
                f"Reste à charge, {r.section} : {r.motif}."
                for r in reste.itertuples()
                if r.motif and not math.isnan(r.reste_haut)
            ),
            f"Places créées : {dits}" + (" (par défaut)." if modes is None else "."),
            f"Barèmes {date} ({lus.fichier}).",
        )
        dites = [sources["source_taux"], *([VOTRE_CHIFFRE] if donnees.enfants is not None else nommees)]
        dites += [sources["source_cible"]] if sources["source_cible"] != VOTRE_CHIFFRE else []
        dites = [f"nombre d'enfants {VOTRE_CHIFFRE}" if d == VOTRE_CHIFFRE else d for d in dites]
        return Simulation(
            territoire=self.lieu,
            taux=taux,
            cible=f"{nom_taux}, {dite}",
            besoin=besoin,
            modes=repartis,
            financement=financement,
            reste_a_charge=reste,
            hypotheses=tuple(h for h in posees if h),
            inconnues=inconnues,
            sources=tuple(dict.fromkeys(dites)),
        )


def _vos_chiffres(donnees: Hypotheses) -> str:
    return "vos places et " + ("vos enfants" if donnees.enfants is not None else "les enfants estimés")


def _par_mode(besoin: pd.DataFrame, parts: Mapping[str, float]) -> pd.DataFrame:
    quantites = {c: besoin.at[0, c] for c in ("places", "bas", "haut")}
    repartis = {c: repartir(n, parts) if not math.isnan(n) else {} for c, n in quantites.items()}
    lignes = [
        {"mode": m, "libelle": MODES_CREES[m], "part": p} | {c: repartis[c].get(m, np.nan) for c in quantites}
        for m, p in parts.items()
    ]
    return pd.DataFrame(lignes).astype(dict.fromkeys(quantites, "float64"))


def _cible(cible: str | float, lieu: Territoire, mesures: pd.DataFrame) -> tuple[float, str]:
    """Taux visé, et comment le dire."""
    texte = str(cible).strip().lower()
    texte = texte.removesuffix("%").strip()
    if re.fullmatch(r"\d+([.,]\d+)?", texte):
        nombre = float(texte.replace(",", "."))
        if not 0 < nombre <= 200:
            raise DemandeFausse(f"cible : {texte} places pour 100 enfants", attendu="plus de 0, 200 au plus")
        return nombre, f"{texte.replace('.', ',')} places pour 100 enfants"
    texte = normaliser(texte)
    if texte not in CIBLES:
        raise DemandeFausse(f"cible inconnue : « {cible} »", attendu=f"{', '.join(CIBLES)}, ou un nombre")
    if texte == "comparables":
        return _cible_comparables(lieu, mesures.loc["territoire"])
    if texte not in mesures.index:
        autres = [c for c in CIBLES if (not empechement(lieu) if c == "comparables" else c in mesures.index)]
        raise DemandeFausse(
            f"{lieu.libelle} ne se compare pas à la référence « {texte} »",
            attendu=f"{', '.join(autres)}, ou un nombre" if autres else "un nombre de places pour 100 enfants",
        )
    reference = mesures.loc[texte]
    if pd.isna(reference["valeur"]):
        raise DemandeFausse(
            f"le taux de {reference['nom']} n'est pas connu ({reference['motif']})",
            conseil="donnez une autre cible, ou un nombre",
        )
    dite = (
        f"{reference['nom']}, {_dixieme(reference['valeur'])} places pour 100 enfants en {reference['annee']}"
    )
    return float(reference["valeur"]), dite


def _dixieme(x: float) -> str:
    return f"{x:.1f}".replace(".", ",")


def _cible_comparables(lieu: Territoire, ici: pd.Series) -> tuple[float, str]:
    """Médiane des comparables : un taux publié sans son nombre d'enfants ne se moyenne pas."""
    annee = None if pd.isna(ici["annee"]) else int(ici["annee"])
    place = situer(lieu, [ici["indicateur"]], annee=annee).iloc[0]
    if pd.isna(place["mediane"]):
        raise DemandeFausse(
            f"trop peu de comparables de {lieu.nom} ont un taux connu",
            conseil="donnez une autre cible, ou un nombre",
        )
    dite = f"médiane de {int(place['nombre'])} territoires comparables, {_dixieme(place['mediane'])} places"
    return float(place["mediane"]), f"{dite} pour 100 enfants en {place['annee']}"


def _enfants(contexte, donnees: Hypotheses, annee: int, colonne: str) -> pd.DataFrame:
    """Enfants encadrés : ceux de l'utilisateur s'il les donne, sinon les nôtres."""
    table = enfants_encadres(contexte, annee=annee, colonne=colonne)
    if donnees.enfants is not None:
        bas, haut = donnees.bornes
        table[["valeur", "bas", "haut", "places"]] = [(bas + haut) / 2, bas, haut, np.nan]
        table[["statut", "motif"]] = ["estime" if bas < haut else "exact", "nombre d'enfants donné par vous"]
        table[["methode", "alerte"]] = ["donne", ""]
    if donnees.places is not None:
        table["places"] = float(donnees.places)
    return table


def _taux(ici: pd.Series, donnees: Hypotheses, enfants: pd.DataFrame) -> tuple[pd.Series, str]:
    """Taux du territoire : le publié, ou celui des places de l'utilisateur et des enfants, les siens ou estimés."""
    publie = float(ici["valeur"])
    if donnees.places is None:
        return pd.Series([publie], index=enfants.index), ""
    if enfants["valeur"].isna().any():
        raise DemandeFausse(
            f"un nombre de places, mais pas d'enfants de moins de 3 ans connus pour {ici['nom']}",
            conseil="donnez aussi leur nombre (--enfants)",
        )
    taux = 100 * enfants["places"] / enfants["valeur"]
    dit = "" if math.isnan(publie) else f" (publié : {_dixieme(publie)})"
    return taux, f"Taux recalculé avec {_vos_chiffres(donnees)} : {_dixieme(taux.iloc[0])}{dit}."


def _besoin(
    visee: float,
    taux: pd.Series,
    enfants: pd.DataFrame,
    ici: pd.Series,
    *,
    bornes: tuple[pd.Series, pd.Series],
    demi_place: float,
) -> pd.DataFrame:
    encadre = encadrer_besoin(visee, taux, enfants, bornes_taux=bornes, demi_place=demi_place)
    ligne, e = encadre.iloc[0], enfants.iloc[0]
    connu, atteint = not math.isnan(ligne["valeur"]), round(bornes[0].iloc[0], 6) >= visee
    if math.isnan(taux.iloc[0]):
        statut, motif = "non_disponible", ici["motif"]
        ligne = ligne * math.nan
    elif atteint or (connu and math.isnan(e["valeur"])):
        statut, motif = str(ici["statut"]), "la cible est atteinte"
        statut = "exact" if statut == "non_disponible" else statut
    elif connu:
        statut, motif = e["statut"], e["motif"]
        # Un taux publié à 0,1 près, ou lui-même estimé, ne donne pas un compte exact.
        if math.isnan(e["places"]):
            statut = "arrondi" if statut == "exact" else statut
            statut = "estime" if ici["statut"] == "estime" else statut
    else:
        statut, motif = "non_disponible", f"nombre d'enfants de moins de 3 ans inconnu : {e['motif']}"
    return pd.DataFrame(
        [
            {
                "taux": taux.iloc[0],
                "taux_cible": visee,
                "ecart": round(taux.iloc[0] - visee, 2),
                "enfants": e["valeur"],
                "enfants_bas": e["bas"],
                "enfants_haut": e["haut"],
                "statut_enfants": e["statut"],
                "motif_enfants": e["motif"],
                "methode_enfants": e["methode"],
                "enfants_naissances": e["naissances"],
                "enfants_recensement": e["recensement"],
                "alerte_enfants": e["alerte"],
                "places": ligne["valeur"],
                "bas": ligne["bas"],
                "haut": ligne["haut"],
                "statut": statut,
                "motif": motif,
            }
        ]
    )


def _dire_enfants(besoin: pd.Series, donnees: Hypotheses) -> str:
    if math.isnan(besoin["enfants"]):
        return ""
    texte = besoin["motif_enfants"]
    if donnees.enfants is not None:
        bas, haut = donnees.bornes
        texte += f" : {bas:g}" if bas == haut else f" : {bas:g} à {haut:g}"
    return texte[:1].upper() + texte[1:] + "."
