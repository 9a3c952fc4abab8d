// What the environment says of the console's own port in n8n. It is open only where a port is set.
import { type OwnPortSettings, ownPortSettings } from '../../../engine/console/home/settings';
import { editorUrl } from '../n8n/environment';

export interface PortSettings extends OwnPortSettings {
  readonly editorUrl: string;
}

/** @returns null: no port is set @throws Error that names the variable and what to set */
export function portSettings(): PortSettings | null {
  const settings = ownPortSettings();
  return settings && { ...settings, editorUrl: editorUrl() };
}
