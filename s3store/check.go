package s3store

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
)

// What can be seen to be wrong before any request. All of it is permanent, since
// none of it changes while a program runs.

// checkS3 returns the endpoint of a client, for messages. The error says what is
// wrong with the client, the bucket or the options.
func checkS3(client *s3.Client, bucket string, opts Options) (endpoint string, err error) {
	if client == nil {
		return "", hint.Add(permanentError("there is no S3 client"), "make one with NewClient")
	}
	o := client.Options()
	if err := checkBucket(bucket); err != nil {
		return "", err
	}
	if err := checkRegion(o.Region); err != nil {
		return "", err
	}
	if o.Credentials == nil {
		return "", hint.Add(permanentError("the S3 client has no credentials"), "give it a key, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for example")
	}
	if err := checkStatic(o.Credentials); err != nil {
		return "", err
	}
	endpoint, plain, err := checkEndpoint(o, bucket)
	if err != nil {
		return "", err
	}
	return endpoint, checkEncryption(opts, plain)
}

func permanentError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", rotatelog.ErrPermanent, fmt.Errorf(format, args...))
}

func checkBucket(bucket string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	if strings.HasPrefix(bucket, "arn:") {
		return nil // of an access point
	}
	if what := oddity(bucket); what != "" {
		return hint.Add(permanentError("%q is not the name of a bucket: %s", bucket, what), "that has 3 to 63 letters, digits, '.' and '-'")
	}
	switch {
	case strings.Contains(bucket, "/"):
		return permanentError("%q is not the name of a bucket: a folder in it goes into Config.Prefix", bucket)
	case len(bucket) < 3 || len(bucket) > 63 || !onlyOf(bucket, letters):
		return permanentError("%q is not the name of a bucket: that has 3 to 63 letters, digits, '.' and '-'", bucket)
	}
	return nil
}

func checkRegion(region string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	if region == "" {
		return hint.Add(permanentError("the S3 client has no region"), "name that of the bucket, such as us-ord-1")
	}
	if what := oddity(region); what != "" {
		return hint.Add(permanentError("%q is not the name of a region: %s", region, what), "remove that, in AWS_REGION or wherever it was set")
	}
	if !onlyOf(region, letters) {
		return hint.Add(permanentError("%q is not the name of a region", region), "use one such as us-ord-1")
	}
	return nil
}

func onlyOf(s, letters string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(letters, r) }) < 0
}

// oddity describes what a file, a shell or a form added to a name, a key or an
// address: a line end, quotes, blanks. It returns "" if that is nothing, and never
// repeats its argument.
func oddity(s string) string {
	const quotes = "\"'`"
	if s != strings.Trim(s, quotes) {
		return "it has quotation marks around it"
	}
	at := strings.IndexFunc(s, isOdd)
	if at < 0 {
		return ""
	}
	r, size := utf8.DecodeRuneInString(s[at:])
	what := fmt.Sprintf("the character %U", r)
	switch {
	case r == utf8.RuneError && size == 1:
		what = "a byte that is not UTF-8"
	case r == '\r':
		what = "a carriage return"
	case r == '\n':
		what = "a line end"
	case unicode.IsSpace(r):
		what = "white space"
	}
	switch {
	case strings.IndexFunc(s[at:], func(r rune) bool { return !isOdd(r) }) < 0:
		return "it has " + what + " at its end"
	case at == 0:
		return "it has " + what + " at its beginning"
	}
	return "it has " + what + " in it"
}

// isOdd reports whether r is in no key, name or address.
func isOdd(r rune) bool { return r <= ' ' || r > '~' }

// checkKeys refuses a key that was copied with something around it. The error names
// the part, and never its value.
func checkKeys(c aws.Credentials) error {
	for _, part := range []struct{ name, value string }{
		{"the access key ID", c.AccessKeyID}, {"the secret key", c.SecretAccessKey}, {"the session token", c.SessionToken},
	} {
		if what := oddity(part.value); what != "" {
			return hint.Add(permanentError("%s cannot be right: %s", part.name, what), "set it again, without that")
		}
	}
	return nil
}

// checkStatic checks keys that are known without a request. Others are checked when
// a request needs them.
func checkStatic(provider aws.CredentialsProvider) error {
	if !aws.IsCredentialsProvider(provider, credentials.StaticCredentialsProvider{}) {
		return nil
	}
	c, err := provider.Retrieve(context.Background())
	if err != nil {
		return nil // each request reports it
	}
	return checkKeys(c)
}

const exampleEndpoint = "it is an address such as https://us-ord-1.linodeobjects.com"

// checkEndpoint also reports whether others can read on the way what is sent there.
// It does not repeat what it cannot parse, since that may hold a secret.
func checkEndpoint(o s3.Options, bucket string) (endpoint string, plain bool, err error) {
	if o.BaseEndpoint == nil {
		return "Amazon S3 in " + o.Region, o.EndpointOptions.DisableHTTPS, nil
	}
	raw := *o.BaseEndpoint
	if raw == "" {
		return "", false, hint.Add(permanentError("the S3 client has no endpoint"), exampleEndpoint)
	}
	if what := oddity(raw); what != "" {
		return "", false, hint.Add(permanentError("the endpoint of the S3 client cannot be right: %s", what), "remove that")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || strings.Contains(raw, "@"):
		return "", false, hint.Add(permanentError("the endpoint of the S3 client is none"), exampleEndpoint+", without a user")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "", false, hint.Add(permanentError("the endpoint%s has no https:// and host", quotedHost(raw)), exampleEndpoint)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", false, hint.Add(permanentError("the endpoint of the S3 client continues after its path"), exampleEndpoint)
	}
	if err := checkBucketIn(u, bucket); err != nil {
		return "", false, err
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), u.Scheme == "http" && !loopback(u.Hostname()), nil
}

// quotedHost returns an endpoint without https:// for a message, if it is just a
// host and perhaps a port.
func quotedHost(raw string) string {
	host, port, _ := strings.Cut(strings.ToLower(strings.TrimRight(raw, "/")), ":")
	if !onlyOf(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") || !onlyOf(port, "0123456789") ||
		!strings.Contains(host, ".") && host != "localhost" {
		return ""
	}
	return fmt.Sprintf(" %q", raw)
}

// checkBucketIn refuses an endpoint that names the bucket, as consoles show it: the
// client adds the bucket again, and a server would silently store objects under
// other keys.
func checkBucketIn(u *url.URL, bucket string) error {
	const leaveOut = "leave that out: %s://%s"
	if rest, ok := cutFold(u.Host, bucket+"."); ok {
		return hint.Add(permanentError("the endpoint %s names the bucket", u.Host),
			leaveOut+", or, if the server is called so, use its address or another bucket", u.Scheme, rest)
	}
	if strings.EqualFold(u.Hostname(), bucket) && strings.Contains(bucket, ".") {
		return hint.Add(permanentError("the endpoint %s is the bucket's own name", u.Host), "use the address of the server instead")
	}
	for element := range strings.SplitSeq(u.Path, "/") {
		if element == bucket {
			return hint.Add(permanentError("the path of the endpoint names the bucket"), leaveOut, u.Scheme, u.Host)
		}
	}
	if element := strings.Trim(u.Path, "/"); element != "" && hasNoPath(u.Hostname()) {
		return hint.Add(permanentError("the endpoint has a path, which would be taken for a bucket"), leaveOut, u.Scheme, u.Host)
	}
	return nil
}

// hasNoPath reports whether a host belongs to a provider whose endpoints have no
// path. Gateways have one: Supabase's is /storage/v1/s3.
func hasNoPath(host string) bool {
	host = "." + strings.ToLower(strings.TrimSuffix(host, "."))
	for _, provider := range []string{"linodeobjects.com", "amazonaws.com", "amazonaws.com.cn", "backblazeb2.com", "cloudflarestorage.com",
		"digitaloceanspaces.com", "googleapis.com", "ovh.net", "ovh.us", "scw.cloud", "wasabisys.com", "your-objectstorage.com"} {
		if strings.HasSuffix(host, "."+provider) {
			return true
		}
	}
	return false
}

// cutFold is strings.CutPrefix for host names.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// hostOf returns the host of a client's endpoint, in lower case and without the
// default port of its scheme, with the path that some gateways have.
func hostOf(o s3.Options) string {
	if o.BaseEndpoint == nil {
		return "s3." + strings.ToLower(o.Region) + ".amazonaws.com"
	}
	u, err := url.Parse(*o.BaseEndpoint)
	if err != nil {
		return "" // which checkEndpoint has refused
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return host + strings.TrimRight(u.EscapedPath(), "/")
}

// Warning implements [rotatelog.Warner].
func (s *Store) Warning() string {
	var warnings []string
	o := s.client.Options()
	if _, plain, _ := checkEndpoint(o, s.bucket); plain {
		warnings = append(warnings, "the endpoint "+s.endpoint+" is plain http: whoever is in between can read and change what is stored; use https")
	}
	if u, err := url.Parse(aws.ToString(o.BaseEndpoint)); err == nil && strings.Trim(u.Path, "/") != "" {
		warnings = append(warnings, "the endpoint "+s.endpoint+" has a path: that is right for a gateway that has one, and elsewhere it is taken for a bucket; leave it out there")
	}
	return strings.Join(warnings, ". ")
}

// loopback reports whether host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func checkEncryption(opts Options, plain bool) error {
	switch {
	case opts.EncryptionKey == nil:
		return nil
	case opts.Encrypt:
		return hint.Add(permanentError("Options asks for both Encrypt and an EncryptionKey"), "set one of them")
	case len(opts.EncryptionKey) != 32:
		return permanentError("the EncryptionKey has %d bytes, and must have 32", len(opts.EncryptionKey))
	case plain:
		return hint.Add(permanentError("an EncryptionKey must not be sent over plain http"), "use an https endpoint")
	}
	return nil
}

// checkS3Key refuses what S3 does not accept as a key, and what a client or a proxy
// may shorten as a path.
func checkS3Key(key string) error {
	bad := key == "" || len(key) > maxKey || !utf8.ValidString(key)
	for element := range strings.SplitSeq(key, "/") {
		bad = bad || element == "." || element == ".."
	}
	if bad {
		return permanentError("the key is not one: it has 1 to %d bytes of UTF-8, and no . or .. between slashes", maxKey)
	}
	return nil
}

// checkMeta refuses metadata that would not come back as it was sent.
func checkMeta(meta map[string]string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	size := 0
	for name, value := range meta {
		size += len(name) + len(value)
		if name == "" || !onlyOf(name, letters) {
			return permanentError("the metadata name %q does not consist of a-z, 0-9 and '-'", name)
		}
		if strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 || strings.TrimSpace(value) != value {
			return permanentError("the metadata %s is not printable ASCII, without spaces around it", name)
		}
	}
	if size >= maxMeta {
		return permanentError("the metadata has %d bytes, and must have less than %d", size, maxMeta)
	}
	return nil
}
