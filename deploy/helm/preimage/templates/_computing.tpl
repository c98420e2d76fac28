{{/* Workers and auditors: (dict "root" $ "component" "worker" "pool" "gpu" "values" … "port" 8793). */}}

{{- define "preimage.computing" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $of := list $root .component .pool -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "preimage.name" $root }}-{{ .component }}{{ with .pool }}-{{ . }}{{ end }}
  labels: {{ include "preimage.labels" $of | nindent 4 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $values) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  strategy:
    rollingUpdate: {maxSurge: {{ $values.surge | default 0 }}, maxUnavailable: {{ ternary 0 1 (gt (int $values.surge) 0) }}}
  selector:
    matchLabels: {{ include "preimage.selector" $of | nindent 6 }}
  template:
    metadata:
      labels: {{ include "preimage.labels" $of | nindent 8 }}
      annotations:
        checksum/catalogue: {{ $root.Values.catalogue | sha256sum }}
        {{- with $root.Values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      {{- include "preimage.pod" (append $of $values) | nindent 6 }}
      # Jobs go back to the queue with their checkpoints on SIGTERM; nothing has to be done before.
      terminationGracePeriodSeconds: {{ include "preimage.grace" (list $values.drainSeconds) }}
      containers:
        - name: {{ .component }}
          image: {{ include "preimage.image" (list $root $root.Values.image.worker) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          command: [preimage, work{{ if eq .component "auditor" }}, --audits{{ end }}]
          securityContext: {{ include "preimage.containerSecurity" . | nindent 12 }}
          env:
            {{- include "preimage.redis" $root | nindent 12 }}
            - name: PREIMAGE_{{ upper .component }}_METRICS_LISTEN
              value: "{{ $root.Values.listenHost }}:{{ .port }}"
            - name: PREIMAGE_DEVICE
              value: {{ $values.device | quote }}
            - name: PREIMAGE_THREADS
              value: {{ $values.threads | quote }}
            {{- with $values.slots }}
            - name: PREIMAGE_SLOTS
              value: {{ . | quote }}
            {{- end }}
            - name: PREIMAGE_DRAIN_SECONDS
              value: {{ $values.drainSeconds | quote }}
            - name: PREIMAGE_WEIGHTS_DIR
              value: /weights
            {{- if $root.Values.catalogue }}
            - name: PREIMAGE_CATALOGUE
              value: /etc/preimage/catalogue/catalogue.toml
            {{- end }}
            - name: TORCH_HOME
              value: /cache
            - name: HOME
              value: /tmp
            {{- include "preimage.settings" (list $root $values.settings) | nindent 12 }}
          ports:
            - {name: metrics, containerPort: {{ .port }}}
          # The port answers once models are there and Redis has been. From then on an answer is enough:
          # a device that hangs is found by the process itself (PREIMAGE_STALL_SECONDS), which then ends.
          startupProbe:
            httpGet: {path: /metrics, port: metrics}
            periodSeconds: 5
            failureThreshold: {{ div (add $values.startSeconds 4) 5 }}
          readinessProbe:
            httpGet: {path: /metrics, port: metrics}
            periodSeconds: 15
            timeoutSeconds: 5
          livenessProbe:
            httpGet: {path: /metrics, port: metrics}
            periodSeconds: 30
            timeoutSeconds: 10
            failureThreshold: 4
          resources: {{ toYaml $values.resources | nindent 12 }}
          volumeMounts:
            {{- include "preimage.mounts" $root | nindent 12 }}
            - {name: weights, mountPath: /weights, readOnly: true}
            - {name: cache, mountPath: /cache}
            {{- if $root.Values.catalogue }}
            - {name: catalogue, mountPath: /etc/preimage/catalogue, readOnly: true}
            {{- end }}
      volumes:
        {{- include "preimage.volumes" $root | nindent 8 }}
        - name: weights
          {{- toYaml ($root.Values.weights | default (dict "emptyDir" (dict))) | nindent 10 }}
        - name: cache
          emptyDir: {sizeLimit: {{ $values.cacheSize }}}
        {{- if $root.Values.catalogue }}
        - name: catalogue
          configMap: {name: {{ include "preimage.name" $root }}-catalogue}
        {{- end }}
{{- end }}

{{/* One at a time may be taken away, whatever their number: (list $ "worker" "gpu"). */}}
{{- define "preimage.disruption" -}}
{{- $root := index . 0 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "preimage.name" $root }}-{{ index . 1 }}{{ with index . 2 }}-{{ . }}{{ end }}
  labels: {{ include "preimage.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{ include "preimage.selector" . | nindent 6 }}
{{- end }}
