// The choice of the page's language.

import { chooseLanguage, language, LANGUAGES } from "../language.ts";
import { t } from "../text.ts";

export function LanguageSwitch({ onChange }: { onChange: () => void }) {
  const change = (code: string) => {
    chooseLanguage(code);
    onChange();
  };
  return (
    <select
      class="quiet language"
      aria-label={t("Language")}
      value={language()}
      onChange={(event) => change(event.currentTarget.value)}
    >
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <option value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}
