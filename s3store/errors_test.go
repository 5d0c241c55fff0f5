package s3store_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// s3Calls calls each method of a Store as a Writer would.
func s3Calls(ctx context.Context, store rotatelog.Store) map[string]error {
	const key = "dir/day.json"
	_, statErr := store.Stat(ctx, key)
	r, readErr := store.Read(ctx, key, "0cc175b9c0f1b6a831c399e269772661", 0, -1)
	if readErr == nil {
		_, readErr = io.ReadAll(r)
		r.Close()
	}
	var listErr error
	for _, err := range store.(rotatelog.Lister).List(ctx, key) {
		listErr = errors.Join(listErr, err)
	}
	uploads := store.(rotatelog.UploadLister)
	_, uploadsErr := uploads.OpenUploads(ctx, key)
	return map[string]error{
		"stat":  statErr,
		"read":  readErr,
		"list":  listErr,
		"copy":  store.(rotatelog.Copier).Copy(ctx, "dir/other.json", "0cc175b9c0f1b6a831c399e269772661", key),
		"write": store.Write(ctx, key, "", []rotatelog.Part{rotatelog.Data([]byte("a"))}, nil),

		"list uploads": uploadsErr,
		"abort":        uploads.AbortUpload(ctx, key, "id"),
	}
}

// wantExplained checks what the errors of all methods have in common: they name
// the operation and the key, are permanent or not, and hold no secret.
func wantExplained(t *testing.T, errs map[string]error, permanent bool, want ...string) {
	t.Helper()
	for op, err := range errs {
		if err == nil {
			t.Errorf("%s: no error", op)
			continue
		}
		if got := errors.Is(err, rotatelog.ErrPermanent); got != permanent {
			t.Errorf("%s: permanent is %t, want %t: %v", op, got, permanent, err)
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("%s is taken for an answer: %v", op, err)
		}
		if e, ok := errors.AsType[*rotatelog.Error](err); !ok || e.Hint == "" {
			t.Errorf("%s: no hint in %v", op, err)
		}
		for _, w := range append(want, op+" dir/day.json: ") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v\nwant in it: %q", op, err, w)
			}
		}
		s3test.WantNoSecret(t, err.Error())
	}
}

// TestS3Answers: the server answers each request with an error.
func TestS3Answers(t *testing.T) {
	for _, tt := range []struct {
		status        int
		code          string
		permanent     bool
		cause, remedy string
	}{
		{403, "AccessDenied", true, `may not do this in the bucket "logs"`, "grant it s3:"},
		{403, "InvalidAccessKeyId", true, "does not know the access key", "check the access key ID"},
		{404, "XAdminUserNotFound", true, "does not know the access key", "check the access key ID"},
		{403, "SignatureDoesNotMatch", true, "secret key is not the one", "set both again"},
		{403, "RequestTimeTooSkewed", true, "clock of this machine is wrong", "NTP"},
		{400, "ExpiredToken", true, "session token has expired", "new temporary credentials"},
		{400, "InvalidToken", true, "session token has expired", "new temporary credentials"},
		{404, "NoSuchBucket", true, `bucket "logs" does not exist at http://s3.test`, "create it"},
		{400, "InvalidBucketName", true, `"logs" for no bucket's name`, "correct it"},
		{301, "PermanentRedirect", true, "not in the region", "set the endpoint and the region"},
		{307, "TemporaryRedirect", true, "not in the region", "set the endpoint and the region"},
		{400, "AuthorizationHeaderMalformed", true, "not in the region", "set the endpoint and the region"},
		{405, "MethodNotAllowed", true, "http://s3.test does not take this request", "use the endpoint for S3"},
		{403, "QuotaExceeded", true, `quota of the bucket "logs"`, "have the quota raised"},
		{400, "XAmzContentSHA256Mismatch", true, "checksums", "NewClient"},
		{501, "NotImplemented", true, "checksums", "NewClient"},
		{411, "MissingContentLength", true, "checksums", "NewClient"},
		{400, "MetadataTooLarge", true, "less metadata than 2 KB", "another server"},
		{400, "EntityTooLarge", true, "larger than the server allows", "have the limit raised"},
		{400, "KeyTooLongError", true, "key is longer", "Config.Prefix"},
		{400, "InvalidArgument", true, "as invalid", "encryption"},
		{400, "SomethingNew", true, "refuses the request with status 400", "right scheme, host and port"},
		{403, "SomethingNew", true, "does not say why", "firewall"},
		{307, "SomethingNew", true, "not in the region", "set the endpoint and the region"},
		{507, "XMinioStorageFull", true, "no room left", "make room"},
		{403, "UserSuspended", true, "suspended the account", "resolve that with the provider"},
		{403, "AccountProblem", true, "suspended the account", "resolve that with the provider"},
		{402, "PaymentRequired", true, "wants to be paid first", "resolve that with the provider"},
		{402, "SomethingNew", true, "wants to be paid first", "resolve that with the provider"},
		{403, "InvalidObjectState", true, "the object has been archived", `restore it, and exclude its prefix from the rule of the bucket "logs"`},
		{400, "KMS.DisabledException", true, `key with which the bucket "logs" is encrypted`, "is enabled"},
		{400, "KMS.NotFoundException", true, `key with which the bucket "logs" is encrypted`, "is enabled"},
		{400, "KMS.KMSInvalidStateException", true, `key with which the bucket "logs" is encrypted`, "is enabled"},
		{400, "KMS.ThrottlingException", false, "key service limits the rate", "retried automatically"},
		{413, "EntityTooLarge", true, "larger than the server allows", "have the limit raised"},
		{413, "SomethingNew", true, "refuses requests of this size", "client_max_body_size"},

		{400, "BadDigest", false, "did not arrive whole", "sent again"},
		{400, "RequestTimeout", false, "did not arrive whole", "sent again"},
		{400, "IncompleteBody", false, "did not arrive whole", "sent again"},
		{503, "SlowDown", false, "busy", "retried automatically"},
		{503, "ServiceUnavailable", false, "busy", "retried automatically"},
		{429, "TooManyRequests", false, "busy", "retried automatically"},
		{500, "InternalError", false, "the server failed", "status page"},
		{500, "UnknownError", false, "the server failed", "status page"},
		{502, "BadGateway", false, "the server failed", "status page"},
		{504, "GatewayTimeout", false, "the server failed", "status page"},
	} {
		t.Run(fmt.Sprint(tt.status, tt.code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := s3test.NewFake(fakes3.Options{})
				srv.Fault = func(fakes3.Op) fakes3.Fault {
					return fakes3.Fault{Reply: fakes3.Error{Status: tt.status, Code: tt.code}}
				}
				store := s3test.NewStore(client, s3store.Options{})
				wantExplained(t, s3Calls(t.Context(), store), tt.permanent, tt.cause, tt.remedy)
			})
		})
	}
}

// TestS3BareAnswers: something other than an S3 server answers.
func TestS3BareAnswers(t *testing.T) {
	for _, tt := range []struct {
		status    int
		body      string
		permanent bool
		want      string
	}{
		{404, "", true, "right scheme, host and port"},
		{404, "<html><head><title>404</head></html>", true, "right scheme, host and port"},
		{400, "Client sent an HTTP request to an HTTPS server.\n", true, "right scheme, host and port"},
		{403, "Forbidden", true, "a firewall or a proxy"},
		{401, "", true, "a firewall or a proxy"},
		{302, "", true, "not in the region"},
		{407, "<html>Proxy Authentication Required</html>", true, "HTTP_PROXY, as in http://USER:PASSWORD@HOST:PORT"},
		{413, "<html><head><title>413 Request Entity Too Large</title></head><hr><center>nginx</center></html>", true, "nginx: client_max_body_size"},
		{503, "<html>", false, "busy"},
		{500, "", false, "the server failed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := s3test.InProcess(s3test.NewClient("http://s3.test"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				if r.Method != "HEAD" {
					io.WriteString(w, tt.body)
				}
			}))
			store := s3test.NewStore(client, s3store.Options{})
			wantExplained(t, s3Calls(t.Context(), store), tt.permanent, tt.want)
		})
	}
}

// TestS3NeededPermissions: what AccessDenied says depends on what was denied.
func TestS3NeededPermissions(t *testing.T) {
	srv, client := s3test.NewFake(fakes3.Options{})
	srv.Fault = func(fakes3.Op) fakes3.Fault { return fakes3.Fault{Reply: fakes3.Error{Status: 403}} }
	errs := s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{}))
	for op, want := range map[string]string{"stat": "s3:ListBucket", "read": "s3:GetObject", "list": "s3:ListBucket", "copy": "s3:DeleteObject", "write": "s3:PutObject",
		"list uploads": "s3:ListBucketMultipartUploads", "abort": "s3:AbortMultipartUpload"} {
		if !strings.Contains(errs[op].Error(), want) {
			t.Errorf("%s: %v, want in it: %s", op, errs[op], want)
		}
	}
}

// TestS3WrongCredentials goes by the server's own checks.
func TestS3WrongCredentials(t *testing.T) {
	static := credentials.NewStaticCredentialsProvider
	for _, tt := range []struct {
		name    string
		profile fakes3.Profile
		change  func(*s3.Options)
		want    string
	}{
		{"secret", fakes3.Strict(), func(o *s3.Options) { o.Credentials = static("access", "wrong", s3test.Token) }, "set both again"},
		{"secret, no messages", fakes3.Linode(), func(o *s3.Options) { o.Credentials = static("access", "wrong", s3test.Token) }, "set both again"},
		{"key", fakes3.Strict(), func(o *s3.Options) { o.Credentials = static("unknown", s3test.Secret, s3test.Token) }, "check the access key ID"},
		{"key, answered 404", fakes3.Versity(), func(o *s3.Options) { o.Credentials = static("unknown", s3test.Secret, s3test.Token) }, "check the access key ID"},
		{"token", fakes3.Strict(), func(o *s3.Options) { o.Credentials = static("access", s3test.Secret, "") }, "session token"},
		{"region", fakes3.Strict(), func(o *s3.Options) { o.Region = "eu-central-1" }, `: the server expects "us-east-1"`},
		{"none", fakes3.Strict(), func(o *s3.Options) { o.Credentials = static("", "", "") }, "credentials cannot be obtained"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, client := s3test.NewFake(fakes3.Options{Profile: tt.profile})
			client = s3.New(client.Options(), tt.change)
			wantExplained(t, s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{})), true, tt.want)
		})
	}
}

func TestS3WrongClock(t *testing.T) {
	for _, tt := range []struct {
		off  time.Duration
		want string
	}{
		{time.Hour, "it is 1h0m0s behind the server's"},
		{-time.Hour, "it is 1h0m0s ahead of the server's"},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, client := s3test.NewFake(fakes3.Options{Now: func() time.Time { return time.Now().Add(tt.off) }})
			stubborn := s3.New(client.Options(), func(o *s3.Options) { o.DisableClockSkewCorrection = true })
			store := s3test.NewStore(stubborn, s3store.Options{})
			wantExplained(t, s3Calls(t.Context(), store), true, "clock of this machine is wrong: "+tt.want, "NTP")

			// The SDK learns the server's time from its first answer.
			store = s3test.NewStore(client, s3store.Options{})
			for range 2 {
				if _, err := store.Stat(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("Stat: %v, want fs.ErrNotExist", err)
				}
			}
			if err := store.Write(t.Context(), "k", "", nil, nil); err != nil {
				t.Errorf("Write: %v", err)
			}
		})
	}
}

// TestS3Network: the network fails, below the HTTP client or in it.
func TestS3Network(t *testing.T) {
	dial := func(err error) func(*http.Transport) {
		return func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
			}
		}
	}
	silent := log.New(io.Discard, "", 0)
	newTLS := func(t *testing.T) string {
		web := httptest.NewUnstartedServer(http.NotFoundHandler())
		web.Config.ErrorLog = silent
		web.StartTLS()
		t.Cleanup(web.Close)
		return web.URL
	}
	newPlain := func(t *testing.T) string {
		web := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(web.Close)
		return web.URL
	}
	nowhere := func(*testing.T) string { return "http://s3.test" }
	trusting := httptest.NewUnstartedServer(nil)
	trusting.StartTLS()
	defer trusting.Close()
	trust := trusting.Client().Transport.(*http.Transport).TLSClientConfig

	for _, tt := range []struct {
		name      string
		endpoint  func(*testing.T) string
		change    func(*http.Transport)
		permanent bool
		want      []string
	}{
		{"unknown authority", newTLS, nil, true, []string{"nobody this machine trusts", "CA certificate"}},
		{"other host", func(t *testing.T) string { return strings.Replace(newTLS(t), "127.0.0.1", "localhost", 1) },
			func(tr *http.Transport) { tr.TLSClientConfig = trust.Clone() }, true, []string{"certificate is not for the host", "correct the endpoint"}},
		{"expired", newTLS, func(tr *http.Transport) {
			tr.TLSClientConfig = trust.Clone()
			tr.TLSClientConfig.Time = func() time.Time { return time.Now().AddDate(200, 0, 0) }
		}, true, []string{"has expired", "clock"}},
		{"otherwise invalid", newTLS, func(tr *http.Transport) {
			tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error {
				return &tls.CertificateVerificationError{Err: errors.New("revoked")}
			}}
		}, true, []string{"is not valid", "corrected"}},
		{"https to http", func(t *testing.T) string { return strings.Replace(newPlain(t), "http:", "https:", 1) }, nil,
			true, []string{"does not speak TLS", "use http://"}},
		{"http to https", func(t *testing.T) string { return strings.Replace(newTLS(t), "https:", "http:", 1) }, nil,
			true, []string{"status 400", "right scheme, host and port"}},
		{"no such host", nowhere, dial(&net.DNSError{Name: "s3.test", Err: "no such host", IsNotFound: true}),
			false, []string{"name s3.test cannot be resolved", "spelling"}},
		{"refused", nowhere, dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), false, []string{"nothing answers at http://s3.test", "check its port"}},
		{"unreachable", nowhere, dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), false, []string{"no way to http://s3.test", "check the network"}},
		{"dial timeout", nowhere, dial(os.ErrDeadlineExceeded), false, []string{"does not answer in time", "firewall"}},
		{"proxy", func(*testing.T) string { return "https://s3.test" }, func(tr *http.Transport) {
			tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test"})
			dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))(tr)
		}, false, []string{"proxy that the environment names", "HTTPS_PROXY"}},
		{"missing file", nowhere, dial(os.NewSyscallError("connect", syscall.ENOENT)), false, []string{"broke"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := s3test.NewClient(tt.endpoint(t))
			if tt.change != nil {
				tr := &http.Transport{}
				tt.change(tr)
				defer tr.CloseIdleConnections()
				client = s3.New(client.Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: tr} })
			}
			wantExplained(t, s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{})), tt.permanent, tt.want...)
		})
	}
}

func TestS3BrokenConnection(t *testing.T) {
	srv, _ := s3test.NewFake(fakes3.Options{})
	srv.Fault = func(fakes3.Op) fakes3.Fault { return fakes3.Fault{Drop: true} }
	web := httptest.NewServer(srv)
	defer web.Close()
	store := s3test.NewStore(s3test.NewClient(web.URL), s3store.Options{})
	wantExplained(t, s3Calls(t.Context(), store), false, "connection to "+web.URL+" broke", "retried automatically")
}

// TestS3BrokenAnswer: an answer that breaks off before it says what is wrong is not
// permanent.
func TestS3BrokenAnswer(t *testing.T) {
	for _, status := range []int{400, 403, 404} {
		srv, client := s3test.NewFake(fakes3.Options{})
		srv.Fault = func(op fakes3.Op) fakes3.Fault {
			return fakes3.Fault{Reply: fakes3.Error{Status: status, Code: "AccessDenied"}, Cut: true, CutAt: 30}
		}
		calls := s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{}))
		wantExplained(t, calls, false, "broke off", "retried automatically")
	}
}

// TestS3MissingFileIsNotAMissingObject: a missing file of the client's must not be
// taken for a missing object.
func TestS3MissingFileIsNotAMissingObject(t *testing.T) {
	_, client := s3test.NewFake(fakes3.Options{})
	client = s3.New(client.Options(), func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			_, err := os.ReadFile("no-such-file")
			return aws.Credentials{}, err
		})
	})
	wantExplained(t, s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{})), true, "credentials cannot be obtained")
}

func TestS3ContextErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		srv.Fault = func(fakes3.Op) fakes3.Fault { return fakes3.Fault{Delay: 10 * time.Second} }
		cause := errors.New("that is enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		for op, err := range s3Calls(ctx, s3test.NewStore(client, s3store.Options{})) {
			if !errors.Is(err, cause) || errors.Is(err, rotatelog.ErrPermanent) {
				t.Errorf("%s: %v, want the cause of the context's end", op, err)
			}
		}
	})
}

// TestS3Unusable: every call reports what is wrong before any request, and none is
// sent.
func TestS3Unusable(t *testing.T) {
	with := func(change func(*s3.Options)) *s3.Client {
		return s3.New(s3test.NewClient("https://s3.test").Options(), change)
	}
	keys := func(id, secret, token string) *s3.Client {
		return with(func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token) })
	}
	fine := s3test.NewClient("https://s3.test")
	for _, tt := range []struct {
		name   string
		client *s3.Client
		bucket string
		opts   s3store.Options
		want   string
	}{
		{"no client", nil, s3test.Bucket, s3store.Options{}, "make one with NewClient"},
		{"no region", with(func(o *s3.Options) { o.Region = "" }), s3test.Bucket, s3store.Options{}, "no region"},
		{"no credentials", with(func(o *s3.Options) { o.Credentials = nil }), s3test.Bucket, s3store.Options{}, "no credentials"},
		{"anonymous", with(func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }), s3test.Bucket, s3store.Options{}, "no credentials"},
		{"no endpoint", s3test.NewClient(""), s3test.Bucket, s3store.Options{}, "no endpoint"},
		{"no scheme", s3test.NewClient("us-ord-1.linodeobjects.com"), s3test.Bucket, s3store.Options{}, "no https:// and host"},
		{"port without scheme", s3test.NewClient("localhost:9000"), s3test.Bucket, s3store.Options{}, "no https:// and host"},
		{"other scheme", s3test.NewClient("s3://logs"), s3test.Bucket, s3store.Options{}, "no https:// and host"},
		{"no host", s3test.NewClient("https://"), s3test.Bucket, s3store.Options{}, "no https:// and host"},
		{"a secret in it", s3test.NewClient("https://access:" + s3test.Secret + "@s3.test"), s3test.Bucket, s3store.Options{}, "without a user"},
		{"a secret in nonsense", s3test.NewClient("https://access:" + s3test.Secret + "@s3.test:port"), s3test.Bucket, s3store.Options{}, "endpoint"},
		{"a query", s3test.NewClient("https://s3.test/?x=" + s3test.Secret), s3test.Bucket, s3store.Options{}, "continues after its path"},
		{"bucket in it", s3test.NewClient("https://logs.us-ord-1.linodeobjects.com"), s3test.Bucket, s3store.Options{}, "leave that out: https://us-ord-1.linodeobjects.com"},
		{"bucket in it, any provider", s3test.NewClient("https://logs.s3.example:9000"), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.example:9000"},
		{"bucket in it, in capitals", s3test.NewClient("https://LOGS.s3.example"), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.example"},
		{"bucket in it twice", with(func(o *s3.Options) {
			o.BaseEndpoint, o.UsePathStyle = aws.String("https://logs.s3.example"), false
		}), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.example"},
		{"bucket is the host", s3test.NewClient("https://logs.example.com"), "logs.example.com", s3store.Options{}, "the bucket's own name"},
		{"bucket in the path", s3test.NewClient("http://127.0.0.1:9404/logs"), s3test.Bucket, s3store.Options{}, "leave that out: http://127.0.0.1:9404"},
		{"bucket in the path, with a slash", s3test.NewClient("https://s3.test/logs//"), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.test"},
		{"bucket in the path, escaped", s3test.NewClient("https://s3.test/%6Cogs"), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.test"},
		{"bucket and folder in the path", s3test.NewClient("https://s3.test/logs/stage"), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.test"},
		{"bucket deep in the path", s3test.NewClient("https://s3.test/storage/v1/s3/logs"), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.test"},
		{"bucket in the path, hosts for buckets", with(func(o *s3.Options) {
			o.BaseEndpoint, o.UsePathStyle = aws.String("https://s3.test/logs"), false
		}), s3test.Bucket, s3store.Options{}, "leave that out: https://s3.test"},
		{"another bucket in the path", s3test.NewClient("https://us-ord-1.linodeobjects.com/other"), s3test.Bucket, s3store.Options{},
			"would be taken for a bucket; leave that out: https://us-ord-1.linodeobjects.com"},
		{"a line end in the endpoint", s3test.NewClient("https://s3.test\r"), s3test.Bucket, s3store.Options{}, "endpoint of the S3 client cannot be right: it has a carriage return at its end"},
		{"quotes around the endpoint", s3test.NewClient(`"https://s3.test"`), s3test.Bucket, s3store.Options{}, "it has quotation marks around it"},
		{"blank before the endpoint", s3test.NewClient(" https://s3.test"), s3test.Bucket, s3store.Options{}, "white space at its beginning"},
		{"a secret without slashes", s3test.NewClient("access:" + s3test.Secret + "@us-ord-1.linodeobjects.com"), s3test.Bucket, s3store.Options{}, "without a user"},
		{"a secret after one slash", s3test.NewClient("https:/access:" + s3test.Secret + "@us-ord-1.linodeobjects.com"), s3test.Bucket, s3store.Options{}, "without a user"},
		{"a secret after no slash", s3test.NewClient("https:access:" + s3test.Secret + "@us-ord-1.linodeobjects.com"), s3test.Bucket, s3store.Options{}, "without a user"},
		{"a secret in the path", s3test.NewClient("https://s3.test/access:" + s3test.Secret + "@x"), s3test.Bucket, s3store.Options{}, "without a user"},
		{"a secret in place of the endpoint", s3test.NewClient(s3test.Secret), s3test.Bucket, s3store.Options{}, "has no https:// and host"},
		{"a key in place of the endpoint", s3test.NewClient("access:" + s3test.Secret), s3test.Bucket, s3store.Options{}, "has no https:// and host"},
		{"a line end in the region", with(func(o *s3.Options) { o.Region = "us-east-1\r" }), s3test.Bucket, s3store.Options{},
			`"us-east-1\r" is not the name of a region: it has a carriage return at its end; remove that, in AWS_REGION`},
		{"quotes around the region", with(func(o *s3.Options) { o.Region = `'us-east-1'` }), s3test.Bucket, s3store.Options{}, "it has quotation marks around it"},
		{"blank in the region", with(func(o *s3.Options) { o.Region = "us east-1" }), s3test.Bucket, s3store.Options{}, "it has white space in it"},
		{"slash in the region", with(func(o *s3.Options) { o.Region = "us-east-1/" }), s3test.Bucket, s3store.Options{}, "is not the name of a region"},
		{"a line end in the bucket", fine, "logs\r", s3store.Options{}, "it has a carriage return at its end"},
		{"quotes around the bucket", fine, `"logs"`, s3store.Options{}, "it has quotation marks around it"},
		{"a line end in the key ID", keys("access\r", s3test.Secret, s3test.Token), s3test.Bucket, s3store.Options{}, "the access key ID cannot be right: it has a carriage return at its end"},
		{"a line end in the secret", keys("access", s3test.Secret+"\r\n", s3test.Token), s3test.Bucket, s3store.Options{}, "the secret key cannot be right: it has a carriage return at its end"},
		{"quotes around the secret", keys("access", `"`+s3test.Secret+`"`, s3test.Token), s3test.Bucket, s3store.Options{}, "the secret key cannot be right: it has quotation marks around it"},
		{"blank in the secret", keys("access", s3test.Secret+" "+s3test.Secret, s3test.Token), s3test.Bucket, s3store.Options{}, "the secret key cannot be right: it has white space in it"},
		{"something unseen in the secret", keys("access", "\uFEFF"+s3test.Secret, s3test.Token), s3test.Bucket, s3store.Options{}, "it has the character U+FEFF at its beginning"},
		{"a line end in the token", keys("access", s3test.Secret, s3test.Token+"\n"), s3test.Bucket, s3store.Options{}, "the session token cannot be right: it has a line end at its end"},
		{"no bucket", fine, "", s3store.Options{}, `"" is not the name of a bucket`},
		{"short bucket", fine, "ab", s3store.Options{}, "3 to 63"},
		{"folder", fine, "logs/stage", s3store.Options{}, "Config.Prefix"},
		{"odd bucket", fine, "log files", s3store.Options{}, "3 to 63"},
		{"two encryptions", fine, s3test.Bucket, s3store.Options{Encrypt: true, EncryptionKey: s3test.CustomerKey}, "set one of them"},
		{"short key", fine, s3test.Bucket, s3store.Options{EncryptionKey: s3test.CustomerKey[:31]}, "31 bytes"},
		{"empty key", fine, s3test.Bucket, s3store.Options{EncryptionKey: []byte{}}, "0 bytes"},
		{"key over http", s3test.NewClient("http://s3.test"), s3test.Bucket, s3store.Options{EncryptionKey: s3test.CustomerKey}, "plain http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := tt.client
			if client != nil {
				client = s3test.InProcess(client, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.Method) }))
			}
			store, err := s3store.New(client, tt.bucket, tt.opts)
			if store != nil {
				t.Errorf("a store all the same: %v", store)
			}
			if err == nil || !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v\nwant in it: %q", err, tt.want)
			}
			s3test.WantNoSecret(t, err.Error())
		})
	}
}

func TestS3UsableEndpoints(t *testing.T) {
	for _, endpoint := range []string{
		"https://us-ord-1.linodeobjects.com", "https://us-ord-1.linodeobjects.com/", "http://127.0.0.1:9000", "http://[::1]:9000",
		"http://localhost:9000/", "https://logs-1.example.com", "https://example.com/logsx", "https://ref.supabase.example/storage/v1/s3",
	} {
		u, err := url.Parse(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		client := s3test.InProcess(s3test.NewClient(endpoint), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if want := strings.TrimSuffix(u.Path, "/") + "/logs/key"; r.Host != u.Host || r.URL.Path != want {
				t.Errorf("%s: the key is asked for at %s%s, want %s", endpoint, r.Host, r.URL.Path, want)
			}
			w.WriteHeader(http.StatusNotFound)
			if r.Method != http.MethodHead {
				io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
			}
		}))
		store := s3test.NewStore(client, s3store.Options{})
		if _, err := store.Stat(t.Context(), "key"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
