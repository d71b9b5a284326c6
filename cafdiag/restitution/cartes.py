"""Les cartes toutes faites : taux en aplats, effectifs en cercles, structures en points ; et celles du diagnostic.

La maille publiée commande la carte : un taux publié à l'EPCI se montre par EPCI, jamais peint commune par commune ; ce
qui se calcule à la commune se montre par commune. Les couches de :mod:`cafdiag.restitution.couches` se composent aussi
à la main dans une :class:`cafdiag.restitution.carte.Carte`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.donnees import Apports, table_communes
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import Options, annees_disponibles, choisir, dictionnaire, mesurer, mesurer_maille
from cafdiag.indicateurs.enfance import acces_par_commune
from cafdiag.restitution import couches, titres, vues
from cafdiag.restitution.bloc import Bloc, Donnees
from cafdiag.restitution.carte import CLEF_DES_COMMUNES, CLEF_DES_TAUX, Carte, Couche
from cafdiag.restitution.couches import Fond
from cafdiag.restitution.couleurs import TERRITOIRE
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import avec_statut, nom_court
from cafdiag.restitution.leaflet import CarteHorsLigne
from cafdiag.restitution.peintures import Classes, classements, par_seuils
from cafdiag.restitution.structures import (
    ce_que_vaut_la_liste,
    registre_complet,
    source_dite,
    structures_montrees,
)
from cafdiag.restitution.vues import COMMUNES_MAXIMUM, contour_du_territoire, contours_de, date_des
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.referentiel import POPULATION

if TYPE_CHECKING:
    import geopandas as gpd

SOURCE_CONTOURS = "Contours : IGN, Admin Express (simplifiés)."
_SANS_CARTE = Bloc()
# Sous des cercles, les plus grands sont toujours nommés.
_GRANDS_CERCLES = 4
ETIQUETTES_DISTANCE = ("dans la commune", "moins de 3 km", "de 3 à 5 km", "de 5 à 8 km", "8 km et plus")


def _codes(surligner: str | Sequence[str] | gpd.GeoDataFrame | None) -> list[str]:
    if surligner is None:
        return []
    if isinstance(surligner, str):
        return [surligner]
    return list(surligner["code"]) if isinstance(surligner, pd.DataFrame) else list(surligner)


def _verifier_contours(contours: gpd.GeoDataFrame) -> None:
    if "code" not in contours:
        raise DemandeFausse("des contours sans colonne « code »", attendu="les colonnes code et geometry")
    if contours.empty:
        raise DemandeFausse("aucun contour à dessiner", conseil="vérifiez les codes demandés")
    if contours["code"].duplicated().any():
        raise DemandeFausse(
            f"le contour {contours['code'][contours['code'].duplicated()].iloc[0]} est en double",
            attendu="un contour par territoire",
        )


def _cadre(contours: gpd.GeoDataFrame) -> tuple[float, ...]:
    return tuple(float(b) for b in contours.to_crs(4326).total_bounds)


def _surbrillance(
    contours: gpd.GeoDataFrame, surligner: str | Sequence[str] | gpd.GeoDataFrame | None, libelle: str
) -> Couche | None:
    codes = _codes(surligner)
    if not codes:
        return None
    cernes = surligner if isinstance(surligner, pd.DataFrame) else contours[contours["code"].isin(codes)]
    if cernes.empty:
        raise DemandeFausse(
            f"le territoire à surligner ({', '.join(codes)}) n'est pas dans les contours",
            conseil="donnez son code, ou son contour",
        )
    if not libelle:
        libelle = " et ".join(couches.noms_des_contours(cernes)[:2])
    return couches.surbrillance(cernes, libelle=libelle)


def _fonds(contexte: Sequence[Fond], cadre: Sequence[float]) -> list[Couche | None]:
    return [
        couches.fond(f.contours, libelle=f.libelle, trait=f.trait, infobulle=f.infobulle, cadre=cadre)
        for f in contexte
    ]


def _sources(source: str, mention: str) -> str:
    if not source:
        return mention
    dite = source if source.lower().startswith("source") else f"Source : {source}"
    return f"{dite.rstrip('. ')}. {mention}".strip()


def carte_aplats(
    contours: gpd.GeoDataFrame,
    mesures: pd.DataFrame,
    *,
    libelle: str,
    unite: str | None,
    titre: str,
    source: str = "",
    sous_titre: str = "",
    reference: float | None = None,
    nom_reference: str = "la France",
    classes: Classes | str = "auto",
    surligner: str | Sequence[str] | gpd.GeoDataFrame | None = None,
    nom_surligne: str = "",
    contexte: Sequence[Fond] = (),
    etiquettes: bool = True,
    decimales: int | None = None,
    cadre: Sequence[float] | None = None,
    hauteur: int = 460,
    clef: str = "",
    lieux: Sequence[tuple[str, str]] = (),
    mention_contours: str = SOURCE_CONTOURS,
) -> CarteHorsLigne:
    """Un taux par territoire, en aplats.

    Parameters
    ----------
    contours : GeoDataFrame
        Colonnes ``code``, ``geometry`` et, si possible, ``nom`` : un contour par territoire peint.
    mesures : DataFrame
        Mesures d'un seul indicateur et d'une seule année. Un contour sans mesure, un secret, un « sans
        objet » ne prennent jamais une couleur de classe : ils sont hachurés ou pointillés, et nommés.
    libelle, unite : str
        Ce qui est mesuré et son unité (légende et infobulle).
    reference : float, optional
        À quoi rapporter les classes (``nom_reference``, avec son article).
    classes : Classes or {"auto", "france", "territoire"}
        Des classes toutes faites, ou le choix de :func:`cafdiag.restitution.peintures.classements`.
    surligner : str, sequence of str or GeoDataFrame, optional
        Territoire cerné de sa couleur : code pris dans les contours, ou contour à part.
    contexte : sequence of Fond
        Repères dessinés dessous (``voisin``) ou dessus (``limite``, ``quartier``).
    etiquettes : bool
        Écrit les noms : voir :func:`cafdiag.restitution.couches.etiquettes`.
    clef : str
        À quoi un document reconnaît cette carte parmi d'autres.
    lieux : sequence of tuple of str
        Voir :func:`cafdiag.restitution.couches.peints`.

    Returns
    -------
    CarteHorsLigne
        ``carte.texte`` dit la carte en phrases.

    Raises
    ------
    DemandeFausse
        Contours vides ou en double, plusieurs mesures par territoire, taux d'une maille plus large.
    """
    _verifier_contours(contours)
    vue = cadre or _cadre(contours)
    valeurs = [ligne["valeur"] for ligne in couches.fiches.aligner(contours["code"], mesures)]
    connues = [v for v in valeurs if not est_vide(v)]
    rangees = (
        (classes,)
        if isinstance(classes, Classes)
        else classements(
            connues,
            choix=classes,
            reference=None if est_vide(reference) else reference,
            nom_reference=nom_reference,
            unite=unite,
            decimales=decimales,
        )
    )
    dessinees = [
        *_fonds(contexte, vue),
        couches.aplats(
            contours, mesures, classes=rangees, libelle=libelle, unite=unite, decimales=decimales, lieux=lieux
        ),
        _surbrillance(contours, surligner, nom_surligne),
    ]
    if etiquettes:
        noms = [nom_court(n) for n in couches.noms_des_contours(contours, mesures)]
        fortes, avant = _codes(surligner), extremes(mesures)
        dessinees.append(couches.etiquettes(contours, noms=noms, fortes=fortes, avant=avant, cadre=vue))
    dite = _sources(source, mention_contours)
    posees = tuple(c for c in dessinees if c is not None)
    return CarteHorsLigne(Carte(titre, sous_titre, dite, tuple(vue), hauteur, clef, posees))


def extremes(mesures: pd.DataFrame, *, grands: int = 1) -> list[str]:
    """Les territoires de la plus petite valeur et des `grands` plus grandes : on les cherche sur la carte."""
    connues = mesures.dropna(subset="valeur")
    if connues.empty:
        return []
    valeurs = connues.set_index("territoire")["valeur"].astype(float)
    return [str(valeurs.idxmin()), *map(str, valeurs.nlargest(grands).index)]


def carte_communes(
    contours: gpd.GeoDataFrame,
    *,
    titre: str,
    source: str = "",
    sous_titre: str = "",
    cercles: pd.DataFrame | None = None,
    libelle_cercles: str = "",
    unite_cercles: str = "enfants",
    couleur_cercles: str = TERRITOIRE,
    points: pd.DataFrame | None = None,
    fond: pd.DataFrame | None = None,
    libelle_fond: str = "",
    unite_fond: str | None = None,
    classes_fond: Classes | None = None,
    surligner: str | Sequence[str] | gpd.GeoDataFrame | None = None,
    nom_surligne: str = "",
    contexte: Sequence[Fond] = (),
    etiquettes: bool = True,
    importance: Sequence[float] | None = None,
    cadre: Sequence[float] | None = None,
    hauteur: int = 480,
    clef: str = "",
    mention_contours: str = SOURCE_CONTOURS,
) -> CarteHorsLigne:
    """Les communes d'un territoire : effectifs en cercles, structures en points, fond discret.

    Parameters
    ----------
    contours : GeoDataFrame
        Communes : ``code``, ``nom``, ``geometry``.
    cercles : DataFrame, optional
        Mesures d'un effectif, une par commune : surface du cercle proportionnelle à la valeur.
    points : DataFrame, optional
        Structures : ``type``, ``nom``, ``lon``, ``lat`` (voir :func:`cafdiag.restitution.couches.points`).
    fond : DataFrame, optional
        Mesures peintes en aplats pâles (densité, distance…), avec `classes_fond` ou des quantiles.
    importance : sequence of float, optional
        Priorité des étiquettes (population) ; à défaut, la valeur des cercles, puis la surface.

    Raises
    ------
    DemandeFausse
        Mêmes cas que :func:`carte_aplats`.
    """
    _verifier_contours(contours)
    vue = cadre or _cadre(contours)
    dessinees = _fonds(contexte, vue)
    if fond is None:
        dessinees.append(couches.fond(contours, trait="maille", infobulle=cercles is None))
    else:
        valeurs = [li["valeur"] for li in couches.fiches.aligner(contours["code"], fond)]
        connues = [v for v in valeurs if not est_vide(v)]
        if classes_fond is None:
            classes_fond = next(iter(classements(connues, unite=unite_fond)), None)
        discret = cercles is not None or points is not None
        fait = couches.aplats(
            contours, fond, classes=classes_fond, libelle=libelle_fond, unite=unite_fond, discret=discret
        )
        dessinees.append(fait)
    rayons, avant = None, []
    if cercles is not None:
        ronds, peinture = couches.cercles(
            contours, cercles, libelle=libelle_cercles, unite=unite_cercles, couleur=couleur_cercles
        )
        dessinees.append(ronds)
        rayons, avant = peinture.rayons, extremes(cercles, grands=_GRANDS_CERCLES)
        if importance is None:
            importance = [li["valeur"] for li in peinture.lignes]
    elif fond is not None:
        avant = extremes(fond)
    if points is not None:
        dessinees.append(couches.points(points))
    dessinees.append(_surbrillance(contours, surligner, nom_surligne))
    if etiquettes:
        dessinees.append(couches.etiquettes(contours, importance=importance, avant=avant, rayons=rayons, cadre=vue))
    dite = _sources(source, mention_contours)
    posees = tuple(c for c in dessinees if c is not None)
    return CarteHorsLigne(Carte(titre, sous_titre, dite, tuple(vue), hauteur, clef, posees))


def carte(
    cible: Territoire | str,
    indicateur: str,
    *,
    apports: Apports | None = None,
    annee: int | None = None,
    options: Options | None = None,
    classes: str = "auto",
    titre: str = "",
) -> CarteHorsLigne:
    """Carte d'un indicateur autour d'un territoire, lisible sans réseau.

    Parameters
    ----------
    cible : Territoire or str
        Territoire, code ou nom.
    indicateur : str
        Code du dictionnaire.
    apports, annee, options
        Voir :func:`cafdiag.indicateurs.mesurer`.
    classes : {"auto", "france", "territoire"}
        Couleurs en rapport à la France ou propres à la carte ; voir :func:`cafdiag.restitution.peintures.classements`.
    titre : str
        Ce que conclut la carte, au-dessus du nom de l'indicateur ; à défaut, ce nom et sa date.

    Returns
    -------
    CarteHorsLigne
        Carte folium autonome : ``.enregistrer("carte.html")``, ou affichage direct dans un carnet.
    """
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    code = choisir([indicateur])[0]
    ligne, dire = dictionnaire().loc[code], (options or Options()).dire
    quoi = vues.decoupage(cible, a_l_epci=vues.se_peint_a_l_epci(code))
    mesures = mesurer_maille(quoi.maille, [code], codes=quoi.codes, annee=annee, apports=apports, options=options)
    noms = mesures.set_index("territoire")["nom"]
    contours = contours_de(quoi.maille, quoi.codes, noms=noms)
    if contours.empty and not cible.region:
        raise DemandeFausse(
            f"{cible.libelle} : les fonds de carte fournis ne couvrent pas les collectivités d'outre-mer",
            attendu="un territoire d'un département",
        )
    millesime = date_des(mesures)
    precision = _a_lui(cible, quoi, code, annee=annee, apports=apports, options=options)
    quoi_dit = f"{dire(ligne['libelle_court'])}, {millesime}" if titre else cible.nom
    commun = {
        "titre": titre or f"{dire(ligne['libelle'])}, {millesime}",
        "sous_titre": f"{quoi_dit} : {quoi.libelle}{precision}",
        "source": f"{ligne['source']}, {millesime}",
        "surligner": vues.a_surligner(cible, contours),
        "nom_surligne": cible.nom,
        "cadre": vues.cadre_de(cible),
        "clef": code,
    }
    if ligne["regle"] == "A2":
        return carte_communes(
            contours,
            cercles=mesures,
            libelle_cercles=dire(ligne["libelle_court"]),
            unite_cercles=ligne["unite"],
            contexte=vues.contexte(cible, quoi),
            **commun,
        )
    return carte_aplats(
        contours,
        mesures,
        libelle=dire(ligne["libelle_court"]),
        unite=ligne["unite"],
        decimales=int(ligne["decimales"]),
        reference=vues.reference_des_classes(code, annee=annee),
        classes=classes,
        lieux=vues.communes_a_chercher(quoi.codes) if quoi.maille == "epci" else (),
        contexte=vues.contexte(cible, quoi),
        **commun,
    )


def _a_lui(cible: Territoire, quoi: vues.Decoupage, code: str, **choix) -> str:
    """Ce qui est peint sous un territoire plus petit qu'un EPCI est le chiffre de cet EPCI : dire le sien."""
    if quoi.maille != "epci" or cible.maille not in ("commune", "perimetre", "qpv"):
        return ""
    (ligne,) = mesurer(cible, [code], **choix).to_dict("records")
    if pd.isna(ligne["valeur"]):
        return f". La couleur est celle de l'EPCI entier ; {cible.nom} n'a pas de chiffre à lui"
    return f". La couleur est celle de l'EPCI entier ; {cible.nom} : {avec_statut(ligne)}"


# --- Les cartes du diagnostic ---


class CartesDuDiagnostic:
    """Cartes d'un territoire ; garde les mesures qu'elles montrent, pour les joindre au rapport."""

    def __init__(self, donnees: Donnees) -> None:
        self.donnees = donnees
        self._montrees: list[pd.DataFrame] = []

    def mesures_affichees(self) -> pd.DataFrame:
        """Mesures communales montrées par les cartes."""
        return pd.concat(self._montrees, ignore_index=True) if self._montrees else pd.DataFrame()

    @property
    def _par_commune(self) -> bool:
        return 1 < len(self.donnees.territoire.communes) <= COMMUNES_MAXIMUM

    def _mesurer(self, codes: list[str]) -> pd.DataFrame:
        return mesurer_maille(
            "commune",
            codes,
            codes=self.donnees.territoire.communes,
            annee=self.donnees.annee,
            apports=self.donnees.apports,
            options=self.donnees.options,
        )

    @cached_property
    def _fonds(self) -> dict:
        """Contours et voisinage, lus une fois pour les trois cartes communales."""
        table = table_communes(self.donnees.apports)
        codes = list(self.donnees.territoire.communes)
        contours = contours_de("commune", codes, noms=table["nom"])
        return {
            "contours": contours,
            "importance": table.reindex(contours["code"])[POPULATION].astype("float64").tolist(),
            "contexte": vues.fonds_de_contexte(self.donnees.territoire),
            "surligner": contour_du_territoire(self.donnees.territoire),
            "nom_surligne": self.donnees.nom,
        }

    def _commun(self) -> dict:
        return dict(self._fonds)

    def couverture(self):
        """Carte 1 : taux global des EPCI, en bandes rapportées à la France."""
        annee = self.donnees.annee
        if annee is not None and annee not in annees_disponibles("PE_TXCOUV_GLOBAL"):
            return _SANS_CARTE
        autour = self.donnees.autour
        # Des hachures partout ne montrent rien ; ce qui manque se dit à la fin.
        if len(autour) and autour["valeur"].isna().all():
            return _SANS_CARTE
        return carte(self.donnees.territoire, CLEF_DES_TAUX, annee=annee, titre=titres.de_la_carte(self.donnees))

    def jeunes_enfants(self):
        """Carte 2 : enfants de moins de 3 ans en cercles ; là où ils manquent, la population."""
        if not self._par_commune:
            return _SANS_CARTE
        code = "PE_ENF_M3" if self.donnees.lecture.connu("PE_ENF_M3") else "CTX_POP"
        mesures = self._mesurer([code])
        if mesures["valeur"].isna().all():
            return _SANS_CARTE
        self._montrees.append(mesures)
        ligne = dictionnaire().loc[code]
        commun = self._commun()
        enfants = code == "PE_ENF_M3"
        # Une commune inconnue pourrait être la plus peuplée.
        connus = dict(zip(mesures["nom"], mesures["valeur"], strict=True)) if mesures["valeur"].notna().all() else {}
        return carte_communes(
            commun.pop("contours"),
            titre=titres.des_communes(connus, "tout-petit" if enfants else "habitant", estimes=enfants),
            sous_titre=f"{'Enfants de moins de 3 ans' if enfants else 'Habitants'}, {date_des(mesures)}",
            source=f"{ligne['source']}, {date_des(mesures)}",
            cercles=mesures,
            clef=CLEF_DES_COMMUNES,
            libelle_cercles=ligne["libelle_court"],
            unite_cercles=ligne["unite"],
            **commun,
        )

    def alsh(self):
        """Carte 3 : distance de chaque commune au plus proche accueil de loisirs connu."""
        if not self._par_commune or not self.donnees.lecture.connu("EJ_ALSH_PART_COM_EQUIP"):
            return _SANS_CARTE
        table = table_communes(self.donnees.apports)
        codes = list(self.donnees.territoire.communes)
        acces = acces_par_commune(
            table, table["alsh_equipes"], seuil_km=self.donnees.options.distance_alsh_km, cibles=pd.Index(codes)
        )
        annee, apports = _annee_des_equipements(table, codes), self.donnees.apports
        du_registre = apports is not None and table.loc[codes, "departement"].isin(apports.complet("alsh")).any()
        source = ("registre local et " if du_registre else "") + "Insee, base permanente des équipements"
        mesures = _mesures_de_distance(acces, table, codes, annee=annee).assign(source=source)
        self._montrees.append(mesures)
        # La première classe, [0 ; 0,01[, est celle des communes équipées ; elle existe même s'il n'y en a aucune.
        classes = replace(
            par_seuils([0.0, *mesures["valeur"].dropna()], seuils=[0.01, 3, 5, 8], unite="km"),
            etiquettes=ETIQUETTES_DISTANCE,
        )
        commun = self._commun()
        return carte_communes(
            commun.pop("contours"),
            titre=self.donnees.options.dire(titres.de_l_acces(self.donnees.lecture)),
            sous_titre="À vol d'oiseau, entre points centraux de communes",
            source=f"{source}, {annee}",
            clef="alsh",
            fond=mesures,
            libelle_fond="Distance à l'ALSH le plus proche",
            unite_fond="km",
            classes_fond=classes,
            **commun,
        )

    def vie_sociale(self):
        """Carte 4 : centres sociaux, EVS, France services ; quartiers prioritaires si leurs contours sont là."""
        if not self._par_commune:
            return _SANS_CARTE
        ici = structures_montrees(self.donnees)
        situees = ici[ici["lon"].notna() & ici["lat"].notna()]
        if situees.empty:
            return _SANS_CARTE
        commun = self._commun()
        contours = commun.pop("contours")
        if self.donnees.apports.qpv is not None:
            dedans = self.donnees.apports.qpv[self.donnees.apports.qpv.intersects(contours.union_all())]
            if len(dedans):
                commun["contexte"] = [
                    *commun["contexte"],
                    Fond(
                        dedans[["code", "nom", "geometry"]],
                        libelle="Quartier prioritaire (QPV)",
                        trait="quartier",
                        infobulle=True,
                    ),
                ]
        sans_point = len(ici) - len(situees)
        partielle = not registre_complet(self.donnees)
        precision = f"Centres sociaux et EVS : {ce_que_vaut_la_liste(ici)}." if partielle else ""
        if sans_point:
            precision += (
                f" {sans_point} structure{'s' if sans_point > 1 else ''} sans coordonnées, non placée"
                + ("s." if sans_point > 1 else ".")
            )
        return carte_communes(
            contours,
            titre=titres.des_lieux(ici["type"]),
            sous_titre=precision.strip(),
            source=source_dite(situees),
            points=situees,
            clef="vie_sociale",
            **commun,
        )


def _annee_des_equipements(table: pd.DataFrame, codes: list[str]) -> int:
    """Dernière année de la base des équipements qui renseigne une des communes."""
    colonnes = sorted((c for c in table.columns if re.fullmatch(r"bpe\d{4}_alsh", c)), reverse=True)
    connues = [c for c in colonnes if table[c].reindex(codes).notna().any()]
    return int((connues or colonnes)[0][3:7])


def _mesures_de_distance(
    acces: pd.DataFrame, table: pd.DataFrame, codes: list[str], *, annee: int
) -> pd.DataFrame:
    """Distances mises en Mesures : statut ``estime`` à vol d'oiseau, muettes si une commune voisine est inconnue."""
    distance = acces["distance_km"].reindex(codes)
    equipee = table["alsh_equipes"].reindex(codes)
    connue = distance.notna() & equipee.notna()
    motif = (
        acces["majorant"]
        .reindex(codes)
        .map(
            {
                True: "au plus cette distance : une commune voisine plus proche n'est pas renseignée",
                False: "à vol d'oiseau, entre points centraux de communes",
            }
        )
    )
    return pd.DataFrame(
        {
            "territoire": codes,
            "nom": table["nom"].reindex(codes).to_numpy(),
            "maille": "commune",
            "indicateur": "EJ_ALSH_DISTANCE",
            "libelle": "Distance à l'ALSH connu le plus proche",
            "annee": annee,
            "valeur": distance.where(connue).to_numpy(),
            "modalite": "",
            "unite": "km",
            "numerateur": float("nan"),
            "denominateur": float("nan"),
            "bas": float("nan"),
            "haut": float("nan"),
            "statut": connue.map({True: "estime", False: "non_disponible"}).to_numpy(),
            "motif": motif.where(connue, "équipement non renseigné pour la commune").to_numpy(),
            "maille_source": "commune",
            "millesime": str(annee),
        }
    )
