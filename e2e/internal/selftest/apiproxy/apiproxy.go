// Package apiproxy stands between the suite and the API server: it forwards the suite's requests, and may change, delay or hold back what
// passes. Package faults makes an API server with bugs of it, package disturbances a connection with faults.
//
// It stands on client-go. It changes nothing in the cluster by itself.
package apiproxy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
)

// Proxy forwards requests to an API server, as the user of a kubeconfig. The fields must not change once Start was called.
type Proxy struct {
	// Change returns the body to send in place of a request's own; nil leaves all as they are.
	Change func(r *http.Request, body []byte) []byte
	// Answer returns what is read in place of the answer to a request; nil leaves all as they are.
	Answer func(r *http.Request, answer io.ReadCloser) io.ReadCloser
	// Address is where the proxy listens, on any free port. "" is for this machine alone, and HTTP; at an address that others reach this machine by, it speaks
	// HTTPS, with a certificate that it signs itself.
	Address string
	// User is sent in the header Impersonate-User with each request, if set, with Groups.
	User   string
	Groups []string

	server *http.Server
	url    string
	done   chan struct{}
}

// Start begins to forward to the cluster of a kubeconfig. It returns the path of a kubeconfig in dir that leads to the proxy, until Close.
func (p *Proxy) Start(ctx context.Context, kubeconfig, dir string) (string, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return "", err
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: p.User, Groups: p.Groups}
	target, err := url.Parse(config.Host)
	if err != nil {
		return "", err
	}
	// An answer to exec is a connection that changes its protocol, which HTTP/2 has no place for.
	config.NextProtos = []string{"http/1.1"}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return "", err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", net.JoinHostPort(cmp.Or(p.Address, "127.0.0.1"), "0"))
	if err != nil {
		return "", err
	}
	p.server = &http.Server{Handler: p.handler(target, transport), ReadHeaderTimeout: time.Minute}
	p.url = "http://" + listener.Addr().String()
	if p.Address != "" {
		certificate, err := selfSigned(p.Address)
		if err != nil {
			return "", errors.Join(err, listener.Close())
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
		p.url = "https://" + listener.Addr().String()
	}
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		_ = p.server.Serve(listener)
	}()
	file := filepath.Join(dir, "proxied.kubeconfig")
	if err := clientcmd.WriteToFile(leadingTo(p.url), file); err != nil {
		return "", errors.Join(err, p.Close())
	}
	return file, nil
}

// URL is the address of a proxy that was started.
func (p *Proxy) URL() string { return p.url }

// Close cuts every connection.
func (p *Proxy) Close() error {
	err := p.server.Close()
	<-p.done
	return err
}

// handler forwards requests to the target.
func (p *Proxy) handler(target *url.URL, transport http.RoundTripper) http.Handler {
	return changing(p.Change, &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// What is changed must be read first.
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(answer *http.Response) error {
			// The body of a connection that changes its protocol is the connection.
			if p.Answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
				answer.Body, answer.ContentLength = p.Answer(answer.Request, answer.Body), -1
				answer.Header.Del("Content-Length")
			}
			return nil
		},
		// An answer that is cut off says more than a log would.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
}

// IsWatch reports whether a request asks for a watch.
func IsWatch(r *http.Request) bool {
	watch, err := strconv.ParseBool(r.URL.Query().Get("watch"))
	return err == nil && watch
}

// selfSigned makes a certificate for an address.
func selfSigned(address string) (tls.Certificate, error) {
	certificate, key, err := cert.GenerateSelfSignedCertKey(address, nil, nil)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}

// leadingTo is a kubeconfig for a server that wants no credentials.
func leadingTo(server string) clientcmdapi.Config {
	const name = "proxied"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, InsecureSkipTLSVerify: strings.HasPrefix(server, "https:")}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return *config
}

// changing hands requests with changed bodies to a handler.
func changing(change func(*http.Request, []byte) []byte, next http.Handler) http.Handler {
	if change == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch || r.Method == http.MethodDelete {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			body = change(r, body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		next.ServeHTTP(w, r)
	})
}
