package s3store_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestS3ThroughAProxyThatChangesHeaders: the signature stays valid when a reverse
// proxy asks for other encodings.
func TestS3ThroughAProxyThatChangesHeaders(t *testing.T) {
	srv, _ := s3test.NewFake(fakes3.Options{})
	backend := httptest.NewServer(srv)
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
		asked = append(asked, r.In.Header.Get("Accept-Encoding"))
		r.Out.Header.Set("Accept-Encoding", "gzip, br")
		r.Out.Header.Set("Via", "1.1 proxy")
	}})
	defer proxy.Close()
	own := s3test.NewClient(proxy.URL)
	other := s3.New(own.Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{} })
	for key, client := range map[string]*s3.Client{"own": own, "other": other} {
		store := s3test.NewStore(client, s3store.Options{})
		s3test.Write(t, store, key, "", nil, rotatelog.Data([]byte("one")))
		o := s3test.Stat(t, store, key)
		if got, err := s3test.ReadAll(t.Context(), store, key, o.Version, 0, -1); got != "one" || err != nil {
			t.Errorf("%s client: read %q, %v", key, got, err)
		}
	}
	if len(asked) == 0 {
		t.Error("no request went through the proxy")
	}
	for _, encoding := range asked {
		if encoding != "identity" {
			t.Errorf("the client asks for the encoding %q, which changes what is read", encoding)
		}
	}
}

// TestS3KeysThatAreFetched: keys that a provider gets from elsewhere are checked
// when they arrive.
func TestS3KeysThatAreFetched(t *testing.T) {
	for what, keys := range map[string]aws.Credentials{
		"the access key ID cannot be right: it has a carriage return at its end": {AccessKeyID: "access\r", SecretAccessKey: s3test.Secret},
		"the secret key cannot be right: it has quotation marks around it":       {AccessKeyID: "access", SecretAccessKey: `'` + s3test.Secret + `'`},
		"the session token cannot be right: it has a line end in it":             {AccessKeyID: "access", SecretAccessKey: s3test.Secret, SessionToken: s3test.Token + "\n" + s3test.Token},
	} {
		_, client := s3test.NewFake(fakes3.Options{})
		client = s3.New(client.Options(), func(o *s3.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil })
			o.HTTPClient = &http.Client{Transport: fakes3.Transport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.Method) }))}
		})
		wantExplained(t, s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{})), true, what, "set it again")
	}
}

// TestS3AnswersFromBetween: what networks and proxies answer in place of a server.
func TestS3AnswersFromBetween(t *testing.T) {
	page := func(w http.ResponseWriter, status int, location string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if location != "" {
			w.Header().Set("Location", location)
		}
		w.WriteHeader(status)
		io.WriteString(w, "<html>Please log in</html>")
	}
	for _, tt := range []struct {
		name      string
		answer    func(http.ResponseWriter, *http.Request)
		permanent bool
		want      []string
	}{
		{"redirect to https", func(w http.ResponseWriter, r *http.Request) { page(w, 301, "https://s3.test"+r.URL.Path) }, true,
			[]string{"http://s3.test redirects to https; write https:// in the endpoint in place of http://: "}},
		{"redirect to https, for now", func(w http.ResponseWriter, r *http.Request) { page(w, 307, "https://s3.test:443"+r.URL.Path) }, true,
			[]string{"redirects to https", "write https://"}},
		{"login page", func(w http.ResponseWriter, _ *http.Request) { page(w, 200, "") }, false,
			[]string{"a web page came back in place of http://s3.test's answer", "log in to the network", "retried automatically"}},
		{"redirect to a login page", func(w http.ResponseWriter, _ *http.Request) {
			page(w, 302, "http://login.corp.example/?token="+s3test.Token)
		}, false,
			[]string{"http://s3.test redirects to http://login.corp.example, and not as S3 does; log in, if that is a network's login page; otherwise use the endpoint for S3, and set the endpoint and the region of the bucket: "}},
		{"redirect to a console", func(w http.ResponseWriter, _ *http.Request) { page(w, 301, "https://console.example/login") }, true,
			[]string{"redirects to https://console.example", "use the endpoint for S3"}},
		{"proxy login", func(w http.ResponseWriter, _ *http.Request) { page(w, 407, "") }, true,
			[]string{"the proxy wants a user name and a password; put them into HTTPS_PROXY or HTTP_PROXY"}},
		{"S3's own redirect", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amz-Request-Id", "1")
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
			page(w, 301, "https://logs.s3.eu-west-1.example"+r.URL.Path)
		}, true, []string{"not in the region", `the server expects "eu-west-1"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := s3.New(s3test.NewClient("http://s3.test").Options(), func(o *s3.Options) {
				o.HTTPClient = &http.Client{
					Transport:     fakes3.Transport(http.HandlerFunc(tt.answer)),
					CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
				}
			})
			wantExplained(t, s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{})), tt.permanent, tt.want...)
		})
	}
}

// TestS3ProxyRefusesToConnect: a proxy for https answers CONNECT itself.
func TestS3ProxyRefusesToConnect(t *testing.T) {
	for _, tt := range []struct {
		status    int
		permanent bool
		want      string
	}{
		{403, true, "the proxy that the environment names refuses to connect to https://s3.test; have the host allowed there, or name it in NO_PROXY: "},
		{407, true, "the proxy wants a user name and a password; put them into HTTPS_PROXY or HTTP_PROXY"},
		{503, false, "the proxy that the environment names cannot connect to https://s3.test; it is retried automatically"},
	} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				t.Errorf("%s reached the proxy", r.Method)
			}
			w.WriteHeader(tt.status)
		}))
		defer proxy.Close()
		address, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		tr := s3store.NewTransport()
		tr.Proxy = http.ProxyURL(address)
		wantExplained(t, callsOver(t, "https://s3.test", tr), tt.permanent, tt.want)
	}
}

// callsOver calls the methods of a store whose requests tr sends.
func callsOver(t *testing.T, endpoint string, tr *http.Transport) map[string]error {
	t.Helper()
	t.Cleanup(tr.CloseIdleConnections)
	client := s3.New(s3test.NewClient(endpoint).Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: tr} })
	return s3Calls(t.Context(), s3test.NewStore(client, s3store.Options{}))
}

// TestS3HandshakeFails: what a server requires of TLS, and this client does not
// have.
func TestS3HandshakeFails(t *testing.T) {
	own := httptest.NewUnstartedServer(nil)
	own.StartTLS()
	defer own.Close()
	for _, tt := range []struct {
		name   string
		change func(*tls.Config)
		want   string
	}{
		{"certificate of the client", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert },
			"https://example.com wants a certificate of the client; set one in the HTTPClient of the client's s3.Options"},
		{"certificate of the client, TLS 1.2", func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 },
			"certificate of the client"},
		{"old version", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
			"https://example.com speaks no version of TLS from 1.2 on; have TLS 1.2 or 1.3 enabled there"},
		{"no cipher", func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
		}, "have no form of TLS in common"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := own.TLS.Clone()
			tt.change(config)
			tr := s3store.NewTransport()
			tr.TLSClientConfig = own.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return refusing(config), nil }
			wantExplained(t, callsOver(t, "https://example.com", tr), true, tt.want)
		})
	}
}

// refusing returns a connection to a server that ends the handshake.
func refusing(config *tls.Config) net.Conn {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		tls.Server(server, config).Handshake()
		io.Copy(io.Discard, server) // or the request would wait for ever
	}()
	return client
}
