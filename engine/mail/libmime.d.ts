// libmime ships no types; this is the one function that is used (github.com/nodemailer/libmime).
declare module 'libmime' {
  const libmime: {
    /** Decodes encoded words (RFC 2047). */
    decodeWords(value: string): string;
  };
  export default libmime;
}
