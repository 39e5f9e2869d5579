# Stop: TERM, once no request is in flight. The generic host stops within
# HostOptions.ShutdownTimeout, 30 s unless set, and exits with 0.
# Not run: the tests of this project have no .NET.
FROM mcr.microsoft.com/dotnet/aspnet:8.0
COPY --from=ebb /ebb /ebb
WORKDIR /srv
COPY . ./
ENTRYPOINT ["/ebb", "--"]
CMD ["dotnet", "App.dll"]
