"""Montrer le besoin non couvert : le texte d'un terminal, le paragraphe du rapport, la carte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.mesures import COLONNES
from cafdiag.indicateurs.non_couvert import PUBLICS, SANS_EMPLOI, Besoin, besoin
from cafdiag.restitution.bloc import Bloc, Donnees
from cafdiag.restitution.document import Encadre, Section, Suite, paragraphe, titre
from cafdiag.restitution.formats import majuscule, nombre
from cafdiag.restitution.simulation import places_dites
from cafdiag.restitution.tableaux import depliant, en_deux_colonnes, tableau

if TYPE_CHECKING:
    from cafdiag.restitution.leaflet import CarteHorsLigne

TITRE = "Enfants sans place à portée"
_DEPLIANT = "Comment c'est compté"
CODE = "BESOIN_SANS_PLACE"
LIGNES_AU_PLUS = 150
PAREILLES = "La même part partout : rien ne situe l'offre mieux qu'à l'intercommunalité."
EPREUVE = (
    "Éprouvée en cachant le taux publié de 1\u202f013 communes, cette fourchette a contenu 99 fois sur 100 ce qu'il "
    "donne ; le passé, lui, ne peut l'éprouver : personne ne publie d'enfants sans place."
)
_LIBELLES = {
    "tous": "Enfants de moins de 3 ans sans place à portée",
    "emploi": "Enfants de moins de 3 ans de parents tous en emploi, sans place à portée",
}
_LOIN = "Partagées entre tous les enfants à leur portée (2SFCA), ces places sont {} pour 100 enfants."


def _duree(b: Besoin) -> str:
    return f"{nombre(b.minutes, decimales=0 if b.minutes == int(b.minutes) else 1)} minutes"


def constat(b: Besoin) -> str:
    """« Environ 165 enfants de moins de 3 ans, sur 821 fin 2023, n'ont pas de place à moins de 15 minutes (…). »"""
    ligne = b.principal
    enfants = nombre(ligne["enfants"], decimales=0)
    if ligne["statut"] == "sans_objet":
        return f"Aucun enfant de moins de 3 ans n'y est né de {b.annee - 2} à {b.annee}."
    qui, parmi = PUBLICS[ligne["public"]], f"sur {enfants} fin {b.annee}"
    ou = f"pas de place à moins de {_duree(b)}"
    if pd.isna(ligne["valeur"]):
        bas, haut = (nombre(ligne[c], decimales=0) for c in ("bas", "haut"))
        return f"De {bas} à {haut} {qui}, {parmi}, n'ont {ou} : {ligne['motif']}."
    n, bornes = nombre(ligne["valeur"], decimales=0), places_dites(*ligne[["valeur", "bas", "haut"]]).partition(" ")[2]
    plusieurs = round(ligne["valeur"]) > 1
    qui = qui if plusieurs else qui.replace("enfants", "enfant", 1)
    verbe = "n'ont" if plusieurs else "n'a"
    return f"Environ {n} {qui}, {parmi}, {verbe} {ou} {bornes}".rstrip() + "."


def autres_phrases(b: Besoin) -> list[str]:
    """L'autre public, ou pourquoi on n'en dit rien ; la comparaison au 2SFCA."""
    principal, phrases = b.principal, []
    for _, ligne in b.resume[b.resume["public"].ne(principal["public"])].iterrows():
        if ligne["statut"] == "estime":
            dits, combien = places_dites(*ligne[["valeur", "bas", "haut"]]), nombre(ligne["enfants"], decimales=0)
            phrases.append(f"Parmi tous les {PUBLICS[ligne['public']]} ({combien}) : {dits}.")
        else:
            phrases.append(f"{majuscule(ligne['motif'])}.")
    if pd.notna(principal["deux_temps"]):
        phrases.append(_LOIN.format(nombre(principal["deux_temps"], decimales=1)))
    return phrases


def tableau_des_communes(b: Besoin) -> pd.DataFrame:
    """Une ligne par commune, de celle qui a le plus d'enfants sans place à celle qui en a le moins."""
    c = b.communes.sort_values(["valeur", "nom"], ascending=[False, True], kind="stable", na_position="last")
    return pd.DataFrame(
        {
            "nom": c["nom"],
            "enfants": [nombre(v, decimales=0) for v in c["enfants"]],
            "sans_place": [places_dites(*v) for v in c[["valeur", "bas", "haut"]].itertuples(index=False)],
            "deux_temps": [nombre(v, decimales=1) if pd.notna(v) else "n.d." for v in c["deux_temps"]],
        }
    )


def en_texte(b: Besoin) -> str:
    """Un besoin en texte, pour être lu tel quel."""
    table = tableau_des_communes(b)
    large = max(len("Commune"), *table["nom"].str.len())
    lignes = [b.territoire.libelle, constat(b), *autres_phrases(b), ""]
    lignes.append(f"  {'Commune':{large}}  {'enfants':>8}  {'sans place':>20}  {'2SFCA':>7}")
    lignes += [f"  {r.nom:{large}}  {r.enfants:>8}  {r.sans_place:>20}  {r.deux_temps:>7}" for r in table.itertuples()]
    for intitule, phrases in (("Hypothèses", b.hypotheses), ("Sources", b.sources)):
        lignes += ["", intitule, *(f"  - {p}" for p in phrases)]
    return "\n".join(lignes)


def chercher(donnees: Donnees) -> Besoin | None:
    """Le besoin d'un rapport, à sa durée d'accès et à la date d'aujourd'hui ; None s'il ne se calcule pas."""
    choix = donnees.options
    if donnees.annee is not None:
        return None
    try:
        trouve = besoin(donnees.territoire, minutes=choix.acces_minutes, apports=donnees.apports, options=choix)
    except DemandeFausse:
        return None
    return trouve if trouve.principal["statut"] == "estime" else None


def section(b: Besoin | None) -> Suite:
    """La section du rapport ; rien si on se tait."""
    if b is None:
        return ()
    phrases = [constat(b), *(p for p in autres_phrases(b) if p != majuscule(f"{SANS_EMPLOI}."))]
    notes = en_deux_colonnes([f"{majuscule(p)}." for p in b.hypotheses], sinon="Méthode")
    corps = (
        *titre(TITRE),
        *paragraphe(*phrases),
        *_par_commune(b),
        *depliant(_DEPLIANT, notes, colonnes=("Sujet", "Règle")),
        *paragraphe(f"Sources : {' ; '.join(b.sources)}.", allure="source"),
    )
    return (Section("", corps),)


def _par_commune(b: Besoin) -> Suite:
    """Le tableau des communes, à déplier ; rien si le territoire n'en a qu'une, ou trop pour un rapport."""
    if not 1 < len(b.communes) <= LIGNES_AU_PLUS:
        return ()
    rendu = tableau(
        tableau_des_communes(b),
        titre="Enfants sans place, commune par commune",
        precision=f"Enfants de moins de 3 ans, fin {b.annee} ; places à moins de {_duree(b)}."
        + ("" if _distingue(b) else f" {PAREILLES}"),
        colonnes={"nom": "Commune", "enfants": "Enfants", "sans_place": "Sans place"}
        | {"deux_temps": "Places à portée, pour 100 enfants"},
    )
    return (Encadre("note", (rendu,), resume="Commune par commune"),)


def perspective(b: Besoin | None) -> list[str]:
    """Pour les fiches et l'explorateur : le constat, et ce que vaut sa fourchette ; rien si on se tait."""
    return [] if b is None else [constat(b), EPREUVE]


def mesures_du_besoin(b: Besoin | None) -> pd.DataFrame:
    """Les nombres du paragraphe et de son tableau, en Mesures."""
    if b is None:
        return pd.DataFrame(columns=COLONNES).assign(role="besoin")
    table = b.table()
    parties = [_en_mesures(b, table[table["section"].eq("territoire")], b.territoire.maille)]
    if 1 < len(b.communes) <= LIGNES_AU_PLUS:
        parties.append(_en_mesures(b, table[table["section"].eq("commune")], "commune"))
    return pd.concat(parties, ignore_index=True)


def pour_la_note(b: Besoin | None, mesures: pd.DataFrame) -> dict[str, Any] | None:
    """La phrase de la note, et la mesure (:func:`mesures_du_besoin`) dont elle cite la source ; None si on se tait."""
    if b is None:
        return None
    siennes = mesures[mesures["territoire"].eq(b.territoire.code)].set_index("indicateur")
    return {"phrase": constat(b), "ligne": siennes.iloc[-1].to_dict()}


def _en_mesures(b: Besoin, table: pd.DataFrame, maille: str) -> pd.DataFrame:
    table = table[table["valeur"].notna()]
    rendue = pd.DataFrame(
        {
            "territoire": table["code"],
            "nom": table["nom"],
            "maille": maille,
            "indicateur": table["public"].map({"tous": CODE, "emploi": f"{CODE}_EMPLOI"}),
            "libelle": table["public"].map(_LIBELLES),
            "annee": b.annee,
            "valeur": table["valeur"],
            "modalite": "",
            "unite": "enfants",
            "denominateur": table["enfants"],
            "bas": table["bas"],
            "haut": table["haut"],
            "statut": table["statut"],
            "motif": table["motif"],
            "maille_source": "commune",
            "source": table["source"],
            "millesime": f"décembre {b.annee}",
        }
    )
    return rendue.reindex(columns=COLONNES).assign(role="besoin")


def carte_du_rapport(b: Besoin | None) -> CarteHorsLigne | Bloc:
    """La carte par commune, si elle en distingue et qu'elle se lit encore ; rien sinon."""
    from cafdiag.restitution.vues import COMMUNES_MAXIMUM

    if b is None or len(b.communes) > COMMUNES_MAXIMUM or not _distingue(b):
        return Bloc()
    return carte(b)


def _distingue(b: Besoin) -> bool:
    """Vrai si la part des enfants sans place n'est pas la même, au point près, dans toutes les communes."""
    return b.communes["part"].dropna().round().nunique() > 1


def carte(b: Besoin) -> CarteHorsLigne:
    """La part d'enfants sans place, commune par commune."""
    from cafdiag.restitution.cartes import carte_aplats
    from cafdiag.restitution.vues import COMMUNES_MAXIMUM, cadre_de, contours_de, fonds_de_contexte

    if len(b.communes) > COMMUNES_MAXIMUM:
        raise DemandeFausse(f"carte de {len(b.communes)} communes", attendu=f"{COMMUNES_MAXIMUM} communes au plus")
    mesures = _en_mesures(b, b.table().query("section == 'commune'"), "commune")
    mesures = mesures.assign(valeur=100 * mesures["valeur"] / mesures["denominateur"], unite="%")
    noms = b.communes.set_index("code")["nom"]
    return carte_aplats(
        contours_de("commune", list(noms.index), noms=noms),
        mesures,
        libelle="Enfants sans place",
        unite="%",
        titre=f"Part des enfants de moins de 3 ans sans place à moins de {_duree(b)}",
        sous_titre=f"{b.territoire.nom} : l'offre publiée à l'intercommunalité est placée comme les enfants",
        source=" ; ".join(b.sources[:2]),
        decimales=0,
        contexte=fonds_de_contexte(b.territoire),
        cadre=cadre_de(b.territoire),
    )
