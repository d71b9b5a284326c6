"""La vue départementale : tous les EPCI d'un département sur une page, pour le réseau et le Sdsf."""

from __future__ import annotations

import html
from functools import cached_property
from pathlib import Path

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.erreurs import DemandeFausse, TerritoireAmbigu, TerritoireInconnu
from cafdiag.indicateurs import Options, comparer, dictionnaire, mesurer_maille
from cafdiag.indicateurs.positions import positions
from cafdiag.indicateurs.secret_application import verifier
from cafdiag.magasin import dossier, ecrire_ensemble
from cafdiag.restitution.accords import ordinal
from cafdiag.restitution.annexes import methode, sources
from cafdiag.restitution.bloc import phrase_html
from cafdiag.restitution.cartes import Fond, carte_aplats
from cafdiag.restitution.diagnostic import situation
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import cle_de_tri, enumeration, nom_court, statut
from cafdiag.restitution.leaflet import assembler
from cafdiag.restitution.lecture import Lecture, accord
from cafdiag.restitution.produire import rendre_page, verifier_dossier
from cafdiag.restitution.tableaux import cellule, tableau
from cafdiag.restitution.themes import epci_du_departement
from cafdiag.restitution.vues import contours_de
from cafdiag.territoires import Territoire, membres, territoire

# Ce que montre le tableau ; un taux se classe, un effectif ne fait que se trier.
COLONNES = (
    "CTX_POP",
    "PE_ENF_M3",
    "PE_TXCOUV_GLOBAL",
    "PE_TXCOUV_EAJE",
    "PE_NAISS_EVOL",
    "EJ_ALSH_PART_COM_EQUIP",
    "PS_COUV_POP",
)
_CLASSANT = "PE_TXCOUV_GLOBAL"
CARTES = {"PE_TXCOUV_GLOBAL": "Taux de couverture global", "PE_TXCOUV_EAJE": "Accueil collectif (EAJE)"}
_SOMMAIRE = (
    ("en-bref", "En bref"),
    ("carte", "Carte"),
    ("classement", "Les EPCI, du plus élevé au plus bas"),
    ("lacunes", "Ce qui manque"),
    ("methode", "Méthode et sources"),
)


def vue_departementale(
    departement: Territoire | str,
    *,
    sortie: str | Path = "sorties",
    apports: Apports | None = None,
    options: Options | None = None,
) -> dict[str, Path]:
    """Écrit le tableau de bord des EPCI d'un département, en une page autonome.

    Parameters
    ----------
    departement : Territoire or str
        Code ou nom du département (``"53"``, ``"Mayenne"``).
    sortie : path
        Dossier de ``departement-<code>.html`` et de ``mesures-departement-<code>.csv``. La page mène aux
        ``diagnostic-<code>.html`` de ce dossier ; ceux qui n'y sont pas restent en gris.
    apports : Apports, optional
        Registres et contours de l'utilisateur.
    options : Options, optional
        Choix de calcul.

    Returns
    -------
    dict of str to Path
        ``html`` et ``mesures``.

    Raises
    ------
    DemandeFausse
        Ce n'est pas un département, ou il n'a pas d'EPCI.
    ProductionImpossible
        Dossier interdit.
    """
    cible = _departement(departement)
    if cible.maille != "departement":
        raise DemandeFausse(
            f"{cible.libelle} n'est pas un département",
            attendu="un code ou un nom de département, ex. 53",
            conseil="pour un autre territoire, demandez son diagnostic",
        )
    sortie = Path(sortie)
    verifier_dossier(sortie)
    vue = VueDepartementale(cible, apports=apports, options=options)
    verifier(vue.mesures, options=vue.options)
    presents = {c for c in vue.codes if (sortie / f"diagnostic-{c}.html").is_file()}
    fichiers = {
        "html": (sortie / f"departement-{cible.code}.html", vue.page(presents)),
        "mesures": (
            sortie / f"mesures-departement-{cible.code}.csv",
            vue.mesures.to_csv(index=False, lineterminator="\n"),
        ),
    }
    ecrire_ensemble(dict(fichiers.values()))
    return {forme: chemin for forme, (chemin, _) in fichiers.items()}


def _departement(cle: Territoire | str) -> Territoire:
    """Un département porte souvent aussi le nom d'une commune : ici, la maille est dite d'avance."""
    if not isinstance(cle, str) or ":" in cle or "+" in cle:
        return territoire(cle)
    try:
        return territoire(f"departement:{cle}")
    except TerritoireInconnu as inconnu:
        try:
            return territoire(cle)
        except (TerritoireInconnu, TerritoireAmbigu):
            raise inconnu from None


class VueDepartementale:
    """Les mesures de tous les EPCI d'un département, calculées en une passe, et les morceaux de la page."""

    def __init__(
        self, departement: Territoire, *, apports: Apports | None = None, options: Options | None = None
    ) -> None:
        self.departement = departement
        self.options = options or Options()
        epci = mesurer_maille(
            "epci", departement=departement.code, apports=apports, options=self.options
        )
        if epci.empty:
            raise DemandeFausse(
                f"aucun EPCI dans {departement.libelle}", attendu="un département qui a des intercommunalités"
            )
        references = comparer(departement, apports=apports, options=self.options)
        self.lecture = Lecture(references)
        self.mesures = pd.concat([epci.assign(role="epci"), references], ignore_index=True)
        self._par_code = {
            code: g.set_index("territoire") for code, g in epci.groupby("indicateur", sort=False)
        }
        noms = epci.drop_duplicates("territoire").set_index("territoire")["nom"]
        self.noms = noms.loc[sorted(noms.index, key=lambda c: cle_de_tri(nom_court(noms[c])))]
        self.codes = list(self.noms.index)
        # Un EPCI à cheval n'a de rang que dans le département où vivent la plupart de ses habitants.
        self.siens = [c for c in self.codes if c in epci_du_departement(departement.code)]

    @property
    def colonnes(self) -> list[str]:
        """Indicateurs du tableau : ceux dont au moins un EPCI du département a le chiffre."""
        return [c for c in COLONNES if self._par_code[c].reindex(self.siens)["valeur"].notna().any()]

    @cached_property
    def places(self) -> dict[str, pd.DataFrame]:
        """Place de chaque EPCI parmi ceux de son département, par code : la règle des rapports, la même ici."""
        mesures = self.mesures[
            self.mesures["role"].eq("epci") & self.mesures["indicateur"].isin(self.colonnes)
        ]
        mesures = mesures[mesures["territoire"].isin(self.siens)]
        return {
            code: positions(siennes, mesures[mesures["territoire"].ne(code)])
            for code, siennes in mesures.groupby("territoire")
        }

    def rang(self, code: str, indicateur: str) -> str:
        """Rang d'un EPCI, « 2e » ou « 2e à 4e » s'il a des ex æquo ; vide si rien ne le départage, ou sans chiffre."""
        places = self.places.get(code)
        if places is None or indicateur not in places.index:
            return ""
        haut, bas, classes = places.loc[indicateur, ["rang_haut", "rang_bas", "classes"]]
        if pd.isna(haut) or (haut == 1 and bas == classes):
            return ""
        if haut == bas:
            return ordinal(haut)
        return f"{ordinal(haut)} {'ou' if bas == haut + 1 else 'à'} {ordinal(bas)}"

    # --- Les morceaux ---

    def page(self, presents: set[str]) -> str:
        """La page entière ; `presents` : codes dont le diagnostic est à côté."""
        cartes = assembler([self.carte(code) for code in CARTES])
        corps = "\n".join(
            [
                self._en_bref(),
                self._cartes([c.html for c in cartes]),
                self._classement(presents),
                self._lacunes(),
                self._methode(),
            ]
        )
        parents = [p.nom for p in self.departement.parents.values() if p.maille == "region"]
        garde = {
            "titre": self.departement.nom,
            "sous_titre": "Tableau de bord des intercommunalités du département",
            "situation": situation(self.lecture),
            "maille": " · ".join([f"Département {self.departement.code}", *parents]),
            "avertissements": list(self.departement.avertissements),
            "sommaire": [{"ancre": a, "titre": t} for a, t in _SOMMAIRE],
        }
        script = (dossier("templates") / "rapport" / "departement.js").read_text(encoding="utf-8")
        return rendre_page(garde=garde, corps=corps, scripts=[*(c.script for c in cartes), script])

    def carte(self, indicateur: str):
        """Carte des EPCI pour un taux publié, en bandes rapportées à la France."""
        ligne = dictionnaire().loc[indicateur]
        mesures = self._par_code[indicateur].reset_index()
        annee = mesures["annee"].dropna()
        date = f", {int(annee.iloc[0])}" if len(annee) else ""
        appartenance = membres("departement")
        communes = membres("epci").loc[lambda t: t["code"].isin(self.codes), "commune"]
        autour = appartenance.loc[appartenance["commune"].isin(communes), "code"].unique()
        return carte_aplats(
            contours_de("epci", self.codes, noms=self.noms),
            mesures,
            libelle=ligne["libelle_court"],
            unite=ligne["unite"],
            decimales=int(ligne["decimales"]),
            titre=f"{ligne['libelle']}{date}",
            sous_titre=f"{self.departement.nom} : les EPCI",
            source=f"{ligne['source']}, {ligne['millesime']}",
            reference=self.lecture.valeur(indicateur, "france"),
            surligner=contours_de("departement", [self.departement.code]).assign(nom=self.departement.nom),
            nom_surligne=self.departement.nom,
            contexte=[Fond(contours_de("departement", list(autour)), "Limites de département", "limite")],
        )

    def _en_bref(self) -> str:
        lecture = self.lecture
        phrases = [
            f"{self.departement.nom} : {accord(len(self.siens), 'intercommunalité')}"
            + (
                f", {lecture.texte('CTX_POP')} habitants en {lecture.annee('CTX_POP')}."
                if lecture.connu("CTX_POP")
                else "."
            ),
            *(self._etendue(code, quoi) for code, quoi in _ETENDUES.items()),
            self._naissances(),
            self._lacunes_en_bref(),
        ]
        lignes = "".join(f"<li>{phrase_html(p)}</li>" for p in phrases if p)
        return f'<section id="en-bref" class="bref"><h2>En bref</h2><ol>{lignes}</ol></section>'

    def _etendue(self, code: str, quoi: str) -> str:
        """« De 62,8 (Mont des Avaloirs) à 91,6 (…) » : les extrêmes, et les références."""
        table = self._par_code[code].reindex(self.siens)
        connus = table[table["valeur"].notna()]
        if len(connus) < 2:
            return ""
        dit = {
            sens: f"{self._nombre(code, connus.loc[i])} ({nom_court(self.noms[i])})"
            for sens, i in (("bas", connus["valeur"].idxmin()), ("haut", connus["valeur"].idxmax()))
        }
        annees = connus["annee"].dropna()
        quand = f" en {int(annees.iloc[0])}" if annees.nunique() == 1 else ""
        contre = " ; ".join(
            f"{nom} : {self.lecture.texte(code, role)}"
            for role, nom in (("territoire", "département"), ("france", "France"))
            if self.lecture.connu(code, role)
        )
        return f"{quoi}{quand} : de {dit['bas']} à {dit['haut']}{f' ; {contre}' if contre else ''}."

    @staticmethod
    def _nombre(code: str, ligne: pd.Series) -> str:
        modele = {"indicateur": code, "role": "territoire", **ligne.to_dict()}
        return Lecture(pd.DataFrame([modele])).texte(code)

    def _naissances(self) -> str:
        table = self._par_code["PE_NAISS_EVOL"].reindex(self.siens)
        connus = table["valeur"].dropna()
        if not len(connus):
            return ""
        baisse = int((connus < 0).sum())
        return (
            f"Les naissances baissent dans {accord(baisse, 'intercommunalité')} sur {len(connus)} "
            f"({table['millesime'].dropna().iloc[0]})."
        )

    def _lacunes_en_bref(self) -> str:
        table = self.lacunes()
        partout = int(table.loc[table["partout"], "nombre"].sum())
        ailleurs = int(table.loc[~table["partout"], "nombre"].sum())
        if not partout and not ailleurs:
            return "Tous les indicateurs sont connus partout."
        dits = [f"{accord(partout, 'indicateur')} à toutes les intercommunalités"] if partout else []
        dits += [f"{accord(ailleurs, 'indicateur')} à une partie d'entre elles"] if ailleurs else []
        return f"Il manque {' ; '.join(dits)}."

    def _cartes(self, rendues: list[str]) -> str:
        boutons = "".join(
            f'<label><input type="radio" name="carte" value="carte-{rang}"{" checked" if not rang else ""}> '
            f"{html.escape(nom)}</label>"
            for rang, nom in enumerate(CARTES.values())
        )
        vues = "".join(f'<div id="carte-{rang}">{c}</div>' for rang, c in enumerate(rendues))
        return (
            '<section id="carte" class="chapitre"><h2>Carte</h2><fieldset class="choix-carte ecran" hidden>'
            f"<legend>Montrer</legend>{boutons}</fieldset>{vues}</section>"
        )

    def _classement(self, presents: set[str]) -> str:
        table = dictionnaire()
        entetes = '<th scope="col" aria-sort="none"><button type="button">Intercommunalité</button></th>'
        for code in self.colonnes:
            annees = self._par_code[code]["annee"].dropna()
            precision = ", ".join(
                [str(table.loc[code, "unite"]), *([str(int(annees.iloc[0]))] if len(annees) else [])]
            )
            tri = "descending" if code == _CLASSANT else "none"
            entetes += (
                f'<th scope="col" class="nombre" aria-sort="{tri}"><button type="button">'
                f"{html_sur(table.loc[code, 'libelle_court'])}</button><small>{html_sur(precision)}</small></th>"
            )
        premier = self._par_code[_CLASSANT]["valeur"]
        # Ordre de départ : du plus élevé au plus bas ; les inconnus à la fin, par ordre alphabétique.
        ordre = sorted(
            self.codes,
            key=lambda c: (
                pd.isna(premier.get(c)),
                -(premier.get(c) if premier.get(c) == premier.get(c) else 0),
            ),
        )
        corps = "".join(self._ligne(code, presents) for code in ordre)
        pieds = "".join(self._reference(role) for role in ("territoire", "region", "france"))
        absents = [c for c in self.codes if c not in presents]
        note = (
            f'<p class="source">En gris, {accord(len(absents), "intercommunalité")} dont le diagnostic n\'est pas dans '
            "le même dossier que cette page : produisez-le, puis refaites la page.</p>"
            if absents
            else ""
        )
        dehors = [c for c in self.codes if c not in self.siens]
        if dehors:
            noms = enumeration([nom_court(self.noms[c]) for c in dehors])
            note += (
                f'<p class="source">Sans rang ici, car la plupart de leurs habitants vivent ailleurs : '
                f"{phrase_html(noms)}.</p>"
            )
        titre = "Les intercommunalités du département"
        return (
            '<section id="classement" class="chapitre"><h2>Les EPCI, du plus élevé au plus bas</h2>'
            "<p>Un rang n'est pas une note : il situe. Deux intercommunalités dont l'écart ne dépasse pas "
            "l'incertitude (leurs intervalles et une unité du dernier chiffre ; 2\u202f% pour une estimation sans "
            "intervalle) sont ex æquo et partagent leurs rangs, «\u202f2e à 4e\u202f». "
            "Un chiffre inconnu n'a pas de rang. "
            '<span class="ecran">Pressez un titre de colonne pour trier.</span></p>'
            f'<div class="tableau"><div class="tableau-defilant" tabindex="0" role="group" aria-label="{titre}">'
            f'<table class="triable"><caption>{titre}</caption><thead><tr>{entetes}</tr></thead><tbody>{corps}</tbody>'
            f"<tfoot>{pieds}</tfoot></table></div>"
            '<p class="legende-tableau"><b>e</b> : estimé ; <b>a</b> : arrondi ; <b>n.d.</b> : non disponible ; entre '
            "parenthèses : l'intervalle où se trouve la valeur ; le rang va du plus élevé au plus bas.</p>"
            f'{note}</div><p id="tri-annonce" class="annonce" role="status"></p></section>'
        )

    def _ligne(self, code: str, presents: set[str]) -> str:
        nom = html_sur(nom_court(self.noms[code]))
        if code in presents:
            lien = f'<a href="diagnostic-{code}.html">{nom}</a>'
        else:
            lien = f'<span class="absent">{nom}</span>'
        cases = [f'<th scope="row" data-tri="{html_sur(cle_de_tri(nom_court(self.noms[code])))}">{lien}</th>']
        for indicateur in self.colonnes:
            ligne = {"indicateur": indicateur, **self._par_code[indicateur].loc[code].to_dict()}
            tri = "" if pd.isna(ligne["valeur"]) else f' data-tri="{float(ligne["valeur"])!r}"'
            dit = self.rang(code, indicateur) if dictionnaire().at[indicateur, "regle"] != "A2" else ""
            rang = f' <small class="rang">{dit}</small>' if dit else ""
            cases.append(f'<td class="nombre"{tri}>{cellule(ligne)}{rang}</td>')
        return f"<tr>{''.join(cases)}</tr>"

    def _reference(self, role: str) -> str:
        lignes = [self.lecture.ligne(i, role) for i in self.colonnes]
        if not all(lignes):
            return ""
        cases = "".join(f'<td class="nombre">{cellule(li)}</td>' for li in lignes)
        marque = ' class="territoire"' if role == "territoire" else ""
        return f'<tr{marque}><th scope="row">{html_sur(lignes[0]["nom"])}</th>{cases}</tr>'

    def lacunes(self) -> pd.DataFrame:
        """Indicateurs inconnus d'au moins un EPCI du département ; « sans objet » n'est pas une lacune.

        Returns
        -------
        DataFrame
            ``indicateurs, epci, pourquoi, nombre, partout`` : une ligne par même raison et mêmes EPCI ; ``nombre``
            est celui des indicateurs.
        """
        lignes = []
        for code, table in self._par_code.items():
            ici = table.reindex(self.siens)
            manquants = ici[ici["statut"].isin(["secret", "non_disponible"])]
            if manquants.empty:
                continue
            motifs = zip(manquants["motif"], manquants["statut"], strict=True)
            partout = len(manquants) == len(ici)
            lignes.append(
                {
                    "indicateurs": dictionnaire().loc[code, "libelle"],
                    "epci": "toutes"
                    if partout
                    else enumeration([nom_court(self.noms[c]) for c in manquants.index]),
                    "pourquoi": " ; ".join(dict.fromkeys(m or statut(s).libelle for m, s in motifs)),
                    "partout": partout,
                    "epci_touches": len(manquants),
                }
            )
        table = pd.DataFrame(lignes, columns=["indicateurs", "epci", "pourquoi", "partout", "epci_touches"])
        groupes = table.groupby(["epci", "pourquoi", "partout", "epci_touches"], sort=False)["indicateurs"]
        rendue = groupes.agg(indicateurs=" ; ".join, nombre="size").reset_index()
        rendue = rendue.sort_values(
            ["epci_touches", "nombre"], ascending=False, kind="stable", ignore_index=True
        )
        return rendue.astype({"partout": bool})[["indicateurs", "epci", "pourquoi", "nombre", "partout"]]

    def _lacunes(self) -> str:
        table = self.lacunes()
        tete = '<section id="lacunes" class="chapitre"><h2>Ce qui manque</h2>'
        if table.empty:
            return (
                f"{tete}<p>Tous les indicateurs sont connus dans toutes les intercommunalités.</p></section>"
            )
        rendu = tableau(
            table,
            titre="Indicateurs inconnus, et où",
            colonnes={"indicateurs": "Indicateurs", "epci": "Manque à", "pourquoi": "Pourquoi"},
        )
        return f"{tete}<p>Chaque fichier apporté remplit des cases.</p>{rendu}</section>"

    def _methode(self) -> str:
        affichees = self.mesures[self.mesures["indicateur"].isin(self.colonnes)]
        table = tableau(
            sources(affichees.drop(columns="role")),
            titre="Sources des chiffres montrés",
            colonnes={"source": "Source", "millesime": "Millésime"},
        )
        regles = methode(self.options)
        return f'<section id="methode" class="chapitre"><h2>Méthode et sources</h2>{regles}{table}</section>'


_ETENDUES = {
    "PE_TXCOUV_GLOBAL": "Places d'accueil pour 100 enfants de moins de 3 ans",
    "PE_TXCOUV_EAJE": "Dont accueil collectif (EAJE)",
}
