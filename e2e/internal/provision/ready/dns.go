package ready

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// answerEvery is how often CoreDNS is asked until it answers.
const answerEvery = time.Second

// awaitAnswer waits until one of CoreDNS's pods resolves a name that every cluster has. A pod can be Ready before it has synced the services,
// and its status may be older than the last start of its node.
func awaitAnswer(ctx context.Context, restConfig *rest.Config, client kubernetes.Interface) error {
	return Until(ctx, answerEvery, func(ctx context.Context) error { return answer(ctx, restConfig, client) })
}

// Until calls try until it succeeds, every so often. After ctx has ended the error is the last that try returned, and the cause.
func Until(ctx context.Context, every time.Duration, try func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, every, true, func(ctx context.Context) (bool, error) {
		// What a call says that was cut short tells nothing.
		if err := try(ctx); err == nil || last == nil || ctx.Err() == nil {
			last = err
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", last, context.Cause(ctx))
	}
	return nil
}

// answer has a pod of CoreDNS that runs resolve the name of the API's service.
func answer(ctx context.Context, restConfig *rest.Config, client kubernetes.Interface) error {
	config, err := client.CoreV1().ConfigMaps("kube-system").Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		return err
	}
	zone, err := zoneOf(config.Data["Corefile"])
	if err != nil {
		return err
	}
	pods, err := client.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{LabelSelector: "k8s-app=kube-dns"})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		if err := resolveAPI(ctx, restConfig, client, pod.Name, zone); err != nil {
			return fmt.Errorf("CoreDNS does not answer: %w", err)
		}
		return nil
	}
	return errors.New("no pod of CoreDNS runs")
}

// zoneOf returns the cluster's DNS zone from CoreDNS's configuration: the first that its plugin kubernetes answers for.
func zoneOf(corefile string) (string, error) {
	for line := range strings.Lines(corefile) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "kubernetes" {
			return strings.TrimSuffix(words[1], "."), nil
		}
	}
	return "", errors.New("expected CoreDNS's configuration to name the cluster's zone behind the plugin kubernetes, found none")
}

// resolveAPI resolves the API's service at a CoreDNS pod, through the API server, since the pod network need not be reachable from here.
func resolveAPI(ctx context.Context, config *rest.Config, client kubernetes.Interface, pod, zone string) error {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return err
	}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace("kube-system").Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	ready := make(chan struct{})
	stop := make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:53"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	defer func() {
		close(stop)
		<-ended //nolint:errcheck // It was stopped.
	}()
	select {
	case err := <-ended:
		ended <- nil
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(ports[0].Local)))
	resolver := &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			// Over TCP, whatever the resolver prefers: a forwarded port carries nothing else.
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}
	addresses, err := resolver.LookupHost(ctx, "kubernetes.default.svc."+zone+".")
	if err == nil && len(addresses) == 0 {
		err = errors.New("it knows no address of the API's service")
	}
	return err
}
