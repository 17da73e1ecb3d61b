// The choice of the page's language: its code, under a list of the languages' own names.

import { chooseLanguage, language, LANGUAGES } from "../language.ts";
import { t } from "../text.ts";

export function LanguageSwitch({ onChange }: { onChange: () => void }) {
  const change = (code: string) => {
    chooseLanguage(code);
    onChange();
  };
  return (
    <label class="language" title={t("Language")}>
      <span aria-hidden="true">{language().toUpperCase()}</span>
      <select
        aria-label={t("Language")}
        value={language()}
        onChange={(event) => change(event.currentTarget.value)}
      >
        {Object.entries(LANGUAGES).map(([code, { name }]) => (
          <option value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
