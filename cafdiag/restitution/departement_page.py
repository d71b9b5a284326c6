"""La page de la vue départementale : ce que disent, en html, les mesures de tous les EPCI d'un département."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.indicateurs import dictionnaire
from cafdiag.indicateurs.dictionnaire import THEMES
from cafdiag.magasin import dossier
from cafdiag.restitution import couches
from cafdiag.restitution.annexes import methode, sources
from cafdiag.restitution.carte import Carte, Couche
from cafdiag.restitution.carte_html import fragments
from cafdiag.restitution.cartes import SOURCE_CONTOURS
from cafdiag.restitution.departement_mesures import VueDepartementale
from cafdiag.restitution.diagnostic import situation
from cafdiag.restitution.document import Encadre, Section, liste, paragraphe
from cafdiag.restitution.echappement import est_vide, html_sur
from cafdiag.restitution.formats import cle_de_tri, date_de, enumeration, nom_court
from cafdiag.restitution.lecture import MesuresLues, accord
from cafdiag.restitution.peintures import Peinture, classements, peindre_aplats, peindre_cercles
from cafdiag.restitution.rendu_html import bouts_html, fragment, phrase_html, rendre_page
from cafdiag.restitution.tableaux import cellule, tableau
from cafdiag.restitution.vues import communes_a_chercher, contours_de, date_des
from cafdiag.territoires import membres

if TYPE_CHECKING:
    import geopandas as gpd

_CLASSANT = "PE_TXCOUV_GLOBAL"
_SOMMAIRE = (
    ("en-bref", "En bref"),
    ("carte", "Carte"),
    ("classement", "Les EPCI, du plus élevé au plus bas"),
    ("lacunes", "Ce qui manque"),
    ("methode", "Méthode et sources"),
)
_ETENDUES = {
    "PE_TXCOUV_GLOBAL": "Places d'accueil pour 100 enfants de moins de 3 ans",
    "PE_TXCOUV_EAJE": "Dont accueil collectif (EAJE)",
}


class PageDepartementale:
    """Les morceaux de la page, et leur assemblage.

    Parameters
    ----------
    vue : VueDepartementale
    presents : set of str
        Codes des EPCI dont le diagnostic est dans le même dossier : la page y mène.
    """

    def __init__(self, vue: VueDepartementale, presents: set[str]) -> None:
        self.vue, self.presents = vue, presents

    def rendre(self) -> str:
        """La page entière."""
        carte = fragments(self.carte())
        corps = "\n".join(
            [
                self._en_bref(),
                self._carte(carte.html),
                self._classement(),
                self._lacunes(),
                self._methode(),
            ]
        )
        # Outre-mer, la région porte le nom du département.
        parents = [p.nom for p in self.vue.departement.parents.values() if p.maille == "region"]
        parents = [p for p in parents if p != self.vue.departement.nom]
        garde = {
            "titre": self.vue.departement.nom,
            "sous_titre": "Tableau de bord des intercommunalités du département",
            "situation": situation(self.vue.lecture),
            "maille": " · ".join([f"Département {self.vue.departement.code}", *parents]),
            "avertissements": list(self.vue.departement.avertissements),
            "sommaire": [{"ancre": a, "titre": t} for a, t in _SOMMAIRE],
        }
        script = (dossier("templates") / "rapport" / "departement.js").read_text(encoding="utf-8")
        return rendre_page(garde=garde, corps=corps, scripts=[carte.script, script])

    def carte(self) -> Carte:
        """La carte des EPCI : tous les indicateurs connus au choix, chacun dans ses façons de se ranger."""
        contours = contours_de("epci", self.vue.codes, noms=self.vue.noms)
        codes = [c for c in dictionnaire().index if c in self.vue.par_code]
        codes.sort(key=lambda c: (c != _CLASSANT, list(THEMES).index(dictionnaire().at[c, "theme"])))
        departement = contours_de("departement", [self.vue.departement.code])
        cadre = tuple(float(b) for b in contours.total_bounds)
        titre = f"{self.vue.departement.nom} : les intercommunalités"
        peintures = [p for code in codes for p in self._peintures(code, contours)]
        if peintures and peintures[0].rayons:
            # Le premier choix se dessine sans script : il lui faut des aplats.
            peintures.sort(key=lambda p: bool(p.rayons))
        appartenance = membres("departement")
        communes = membres("epci").loc[lambda t: t["code"].isin(self.vue.codes), "commune"]
        autour = contours_de(
            "departement", list(appartenance.loc[appartenance["commune"].isin(communes), "code"].unique())
        )
        if peintures and not peintures[0].rayons:
            lieux = communes_a_chercher(self.vue.codes)
            peints: Couche | None = couches.peints(contours, peintures, libelle="Intercommunalités", lieux=lieux)
        else:
            peints = couches.fond(contours, trait="maille", infobulle=True)
        noms = [nom_court(n) for n in contours["nom"]]
        dessinees = (
            couches.fond(autour, libelle="Limites de département", trait="limite", cadre=cadre),
            peints,
            couches.surbrillance(departement, libelle=self.vue.departement.nom),
            couches.etiquettes(contours, noms=noms, avant=self.vue.siens, cadre=cadre),
        )
        return Carte(
            titre=peintures[0].titre if peintures else titre,
            sous_titre=titre,
            source=peintures[0].source if peintures else "",
            cadre=cadre,
            hauteur=500,
            clef="departement",
            couches=tuple(c for c in dessinees if c is not None),
        )

    def _peintures(self, indicateur: str, contours: gpd.GeoDataFrame) -> list[Peinture]:
        """Un indicateur sur la carte ; rien s'il n'est connu nulle part, ou s'il est publié plus large qu'un EPCI."""
        ligne = dictionnaire().loc[indicateur]
        mesures = self.vue.par_code[indicateur].reset_index()
        valeurs = mesures["valeur"].dropna()
        plus_large = ~mesures["maille_source"].isin(["", "commune", "qpv", "epci", "perimetre"])
        if valeurs.empty or (plus_large & mesures["valeur"].notna()).any():
            return []
        commun = {
            "codes": contours["code"],
            "noms": list(contours["nom"]),
            "mesures": mesures,
            "libelle": ligne["libelle_court"],
            "unite": ligne["unite"],
            "decimales": int(ligne["decimales"]),
        }
        if ligne["regle"] == "A2" and not (valeurs < 0).any():
            rendues = [peindre_cercles(**commun)]
        else:
            rendues = [
                peindre_aplats(**commun, classes=c)
                for c in classements(
                    valeurs,
                    reference=self._reference_des_classes(indicateur, valeurs),
                    unite=commun["unite"],
                    decimales=commun["decimales"],
                )
            ]
        date = date_des(mesures)
        dits = {
            "quoi": ligne["libelle"],
            "groupe": THEMES[ligne["theme"]],
            "titre": f"{ligne['libelle']}, {date}" if date else ligne["libelle"],
            "source": f"Source : {ligne['source']}{f', {date}' if date else ''}. {SOURCE_CONTOURS}",
        }
        return [replace(p, **dits) for p in rendues]

    def _reference_des_classes(self, indicateur: str, valeurs: pd.Series) -> float | None:
        """La France ; mais une évolution, qui change de signe, ne s'y rapporte pas."""
        if dictionnaire().at[indicateur, "calcul"] == "ratio_ref":
            return 1.0
        france = self.vue.lecture.valeur(indicateur, "france")
        evolue = "evolution" in str(dictionnaire().at[indicateur, "calcul"]) or (valeurs < 0).any()
        return None if evolue or est_vide(france) else france

    def _en_bref(self) -> str:
        lecture = self.vue.lecture
        phrases = [
            f"{self.vue.departement.nom} : {accord(len(self.vue.siens), 'intercommunalité')}"
            + (
                f", {lecture.texte('CTX_POP')} habitants en {lecture.annee('CTX_POP')}."
                if lecture.connu("CTX_POP")
                else "."
            ),
            *(self._etendue(code, quoi) for code, quoi in _ETENDUES.items()),
            self._naissances(),
            self._lacunes_en_bref(),
        ]
        dites = liste([p for p in phrases if p], ordonnee=True)
        return fragment((Section("En bref", dites, ancre="en-bref", genre="bref"),))

    def _etendue(self, code: str, quoi: str) -> str:
        """« De 62,8 (Mont des Avaloirs) à 91,6 (…) » : les extrêmes, et les références."""
        table = self.vue.par_code[code].reindex(self.vue.siens)
        connus = table[table["valeur"].notna()]
        if len(connus) < 2:
            return ""
        dit = {
            sens: f"{self._nombre(code, connus.loc[i])} ({nom_court(self.vue.noms[i])})"
            for sens, i in (("bas", connus["valeur"].idxmin()), ("haut", connus["valeur"].idxmax()))
        }
        dates = {date_de(m) for m in connus.to_dict("records")}
        date = next(iter(dates)) if len(dates) == 1 else ""
        quand = f" en {date}" if date.isdigit() else f" ({date})" if date else ""
        contre = " ; ".join(
            f"{nom} : {self.vue.lecture.texte(code, role)}"
            for role, nom in (("territoire", "département"), ("france", "France"))
            if self.vue.lecture.connu(code, role)
        )
        return f"{quoi}{quand} : de {dit['bas']} à {dit['haut']}{f' ; {contre}' if contre else ''}."

    @staticmethod
    def _nombre(code: str, ligne: pd.Series) -> str:
        modele = {"indicateur": code, "role": "territoire", **ligne.to_dict()}
        return MesuresLues(pd.DataFrame([modele])).texte(code)

    def _naissances(self) -> str:
        table = self.vue.par_code["PE_NAISS_EVOL"].reindex(self.vue.siens)
        connus = table["valeur"].dropna()
        if not len(connus):
            return ""
        baisse = int((connus < 0).sum())
        return (
            f"Les naissances baissent dans {accord(baisse, 'intercommunalité')} sur {len(connus)} "
            f"({table['millesime'].dropna().iloc[0]})."
        )

    def _lacunes_en_bref(self) -> str:
        table = self.vue.lacunes()
        partout = int(table.loc[table["partout"], "nombre"].sum())
        ailleurs = int(table.loc[~table["partout"], "nombre"].sum())
        if not partout and not ailleurs:
            return "Tous les indicateurs sont connus partout."
        dits = [f"{accord(partout, 'indicateur')} à toutes les intercommunalités"] if partout else []
        dits += [f"{accord(ailleurs, 'indicateur')} à une partie d'entre elles"] if ailleurs else []
        return f"Il manque {' ; '.join(dits)}."

    @staticmethod
    def _carte(rendue: str) -> str:
        return f'<section id="carte" class="chapitre"><h2>Carte</h2>{rendue}</section>'

    def _classement(self) -> str:
        table = dictionnaire()
        entetes = '<th scope="col" aria-sort="none"><button type="button">Intercommunalité</button></th>'
        for code in self.vue.colonnes:
            dates = [date_de(m) for m in self.vue.par_code[code].to_dict("records")]
            precision = ", ".join([str(table.loc[code, "unite"]), *[d for d in dates if d][:1]])
            tri = "descending" if code == _CLASSANT else "none"
            entetes += (
                f'<th scope="col" class="nombre" aria-sort="{tri}"><button type="button">'
                f"{html_sur(table.loc[code, 'libelle_court'])}</button><small>{html_sur(precision)}</small></th>"
            )
        premier = self.vue.par_code[_CLASSANT]["valeur"]
        # Ordre de départ : du plus élevé au plus bas ; les inconnus à la fin, par ordre alphabétique.
        ordre = sorted(
            self.vue.codes,
            key=lambda c: (
                pd.isna(premier.get(c)),
                -(premier.get(c) if premier.get(c) == premier.get(c) else 0),
            ),
        )
        corps = "".join(self._ligne(code) for code in ordre)
        pieds = "".join(self._reference(role) for role in ("territoire", "region", "france"))
        absents = [c for c in self.vue.codes if c not in self.presents]
        note = (
            f'<p class="source">En gris, {accord(len(absents), "intercommunalité")} dont le diagnostic n\'est pas dans '
            "le même dossier que cette page : produisez-le, puis refaites la page.</p>"
            if absents
            else ""
        )
        dehors = [c for c in self.vue.codes if c not in self.vue.siens]
        if dehors:
            noms = enumeration([nom_court(self.vue.noms[c]) for c in dehors])
            note += (
                f'<p class="source">Sans rang ici, car la plupart de leurs habitants vivent ailleurs : '
                f"{phrase_html(noms)}.</p>"
            )
        titre = "Les intercommunalités du département"
        if not self.vue.colonnes:
            noms = "".join(self._ligne(code) for code in self.vue.codes)
            return (
                '<section id="classement" class="chapitre"><h2>Les EPCI, du plus élevé au plus bas</h2>'
                "<p>Aucun des chiffres qui se comparent ici n'est connu : rien à classer, les EPCI vont par ordre "
                "alphabétique. Voir « Ce qui manque ».</p>"
                f'<div class="tableau"><table><caption>{titre}</caption><thead><tr><th scope="col">Intercommunalité'
                f"</th></tr></thead><tbody>{noms}</tbody></table>{note}</div></section>"
            )
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

    def _ligne(self, code: str) -> str:
        nom = html_sur(nom_court(self.vue.noms[code]))
        if code in self.presents:
            lien = f'<a href="diagnostic-{code}.html">{nom}</a>'
        else:
            lien = f'<span class="absent">{nom}</span>'
        cases = [f'<th scope="row" data-tri="{html_sur(cle_de_tri(nom_court(self.vue.noms[code])))}">{lien}</th>']
        for indicateur in self.vue.colonnes:
            ligne = {"indicateur": indicateur, **self.vue.par_code[indicateur].loc[code].to_dict()}
            tri = "" if pd.isna(ligne["valeur"]) else f' data-tri="{float(ligne["valeur"])!r}"'
            dit = self.vue.rang(code, indicateur) if dictionnaire().at[indicateur, "regle"] != "A2" else ""
            rang = f' <small class="rang">{dit}</small>' if dit else ""
            cases.append(f'<td class="nombre"{tri}>{bouts_html(cellule(ligne))}{rang}</td>')
        return f"<tr>{''.join(cases)}</tr>"

    def _reference(self, role: str) -> str:
        lignes = [self.vue.lecture.ligne(i, role) for i in self.vue.colonnes]
        if not lignes or not all(lignes):
            return ""
        cases = "".join(f'<td class="nombre">{bouts_html(cellule(li))}</td>' for li in lignes)
        marque = ' class="territoire"' if role == "territoire" else ""
        return f'<tr{marque}><th scope="row">{html_sur(lignes[0]["nom"])}</th>{cases}</tr>'

    def _lacunes(self) -> str:
        table = self.vue.lacunes()
        if table.empty:
            corps = paragraphe("Tous les indicateurs sont connus dans toutes les intercommunalités.")
        else:
            resume = [self._lacunes_du_theme(x, t) for x in THEMES if len(t := table[table["theme"].eq(x)])]
            colonnes = {"theme": "Thème", "partout": "Manque à toutes", "ailleurs": "À une partie"}
            colonnes["qui"] = "Qui peut le donner"
            detail = tableau(
                table,
                titre="Indicateurs inconnus, et où",
                colonnes={"indicateurs": "Indicateurs", "epci": "Manque à", "pourquoi": "Pourquoi"},
            )
            corps = (
                *paragraphe("Chaque fichier apporté remplit des cases."),
                tableau(pd.DataFrame(resume), titre="Par thème", colonnes=colonnes),
                Encadre("note", (detail,), resume="Quels indicateurs, où et pourquoi"),
            )
        return fragment((Section("Ce qui manque", corps, ancre="lacunes", genre="chapitre"),))

    @staticmethod
    def _lacunes_du_theme(theme: str, table: pd.DataFrame) -> dict[str, str]:
        nombres = table.groupby("partout")["nombre"].sum()
        dits = {c: accord(int(nombres.get(p, 0)), "indicateur") for c, p in (("partout", True), ("ailleurs", False))}
        qui = " ; ".join(dict.fromkeys(q for groupe in table["qui"] for q in groupe.split(" ; ") if q))
        dits = {c: "aucun" if d.startswith("0") else d for c, d in dits.items()}
        return {"theme": THEMES[theme], **dits, "qui": qui}

    def _methode(self) -> str:
        affichees = self.vue.mesures[self.vue.mesures["indicateur"].isin(self.vue.colonnes)]
        dites = sources(affichees.drop(columns="role"))
        table = tableau(
            dites,
            titre="Sources des chiffres montrés",
            colonnes={"source": "Source", "millesime": "Millésime"},
        )
        corps = (*methode(self.vue.options), *(() if dites.empty else (table,)))
        return fragment((Section("Méthode et sources", corps, ancre="methode", genre="chapitre"),))
