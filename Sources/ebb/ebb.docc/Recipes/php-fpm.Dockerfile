# Stop: QUIT, which the base image sets and ebb recognises. The workers have up to
# process_control_timeout to finish their scripts; without it php-fpm kills them. Exits with 0.
FROM php:fpm
COPY --from=ebb /ebb /ebb
COPY <<EOF /usr/local/etc/php-fpm.d/zz-graceful.conf
[global]
process_control_timeout = 30s
EOF
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/ebb", "--", "docker-php-entrypoint"]
CMD ["php-fpm"]
