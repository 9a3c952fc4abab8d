// libmime ships no types; these are the two functions that are used (github.com/nodemailer/libmime).
declare module 'libmime' {
  const libmime: {
    /** Header values by lower-case name, undecoded. */
    decodeHeaders(headers: string): Record<string, string[]>;
    /** Decodes encoded words (RFC 2047). */
    decodeWords(value: string): string;
  };
  export default libmime;
}
